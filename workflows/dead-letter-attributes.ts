import type { DeadLetterView } from './contract/dead-letter.ts';
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import { type AttributeValues, changedAttributes } from './attributes.ts';

/** The attributes of a dead letter's workflow that a new view changes. */
export const deadLetterAttributes = (
  before: DeadLetterView | null,
  after: DeadLetterView | null,
): SearchAttributeUpdatePair[] => (after ? changedAttributes(before && valuesOf(before), valuesOf(after)) : []);

const valuesOf = ({ topic, type, reason, tenantId }: DeadLetterView): AttributeValues => ({
  topic,
  eventType: type,
  failureReason: reason,
  billingTenant: tenantId,
  // Nothing is stuck, or escalated, when the first view is shown.
  stuck: null,
  escalated: null,
});
