/** The search attributes of a dead letter's workflow: what support filters by. */
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import { type DeadLetterView, searchAttributes } from './contract.ts';

/**
 * The attributes that differ between two views. The first view writes all of them, the empty ones too: a run that staff
 * have started like another one has that one's attributes.
 */
export function deadLetterAttributes(
  before: DeadLetterView | null,
  after: DeadLetterView | null,
): SearchAttributeUpdatePair[] {
  if (!after) return [];
  const old = before && valuesOf(before);
  return Object.entries(valuesOf(after))
    .filter(([name, value]) => old?.[name as keyof typeof old] !== value)
    .map(
      ([name, value]) =>
        ({ key: searchAttributes[name as keyof typeof searchAttributes], value }) as SearchAttributeUpdatePair,
    );
}

export const stuckAttribute = (value: boolean): SearchAttributeUpdatePair[] => [
  { key: searchAttributes.stuck, value: value || null },
];

export const escalatedAttribute = (value: boolean): SearchAttributeUpdatePair[] => [
  { key: searchAttributes.escalated, value: value || null },
];

const valuesOf = ({ topic, type, reason, tenantId }: DeadLetterView) => ({
  topic,
  eventType: type,
  failureReason: reason,
  billingTenant: tenantId,
  // Nothing is stuck, or escalated, when the first view is shown.
  stuck: null,
  escalated: null,
});
