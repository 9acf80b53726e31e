/** Search attributes: what support filters by. */
import { searchAttributes } from './contract/common.ts';
import type { SearchAttributeUpdatePair } from '@temporalio/common';

/** By their names in the contract; null is an attribute that is not there. */
export type AttributeValues = Partial<Record<keyof typeof searchAttributes, string | number | boolean | Date | null>>;

/**
 * The attributes that differ between two views, so that only what has changed is written. The first view writes all of
 * them, the empty ones too: a run that staff have started like another one has that one's attributes.
 */
export const changedAttributes = (
  before: AttributeValues | null,
  after: AttributeValues,
): SearchAttributeUpdatePair[] =>
  Object.entries(after)
    .filter(([name, value]) => !before || keyOf(before[name as keyof AttributeValues]) !== keyOf(value))
    .map(([name, value]) => attribute(name as keyof AttributeValues, value));

/** An attribute that is there only while something is so. */
export const flag = (name: 'stuck' | 'escalated', isSo: boolean): SearchAttributeUpdatePair =>
  attribute(name, isSo || null);

const attribute = (name: keyof AttributeValues, value: unknown) =>
  ({ key: searchAttributes[name], value }) as SearchAttributeUpdatePair;

const keyOf = (value: unknown): unknown => (value instanceof Date ? value.getTime() : value);
