/** The members of a cashier, and a cashier as callers and subscribers see it. Here they stand once. */
import { z } from 'zod';
import { type Members, type StateOf, instant, int, text, toWireShape, wireShape } from '../commands/members.ts';
import { instantOut } from '../values/schema.ts';
import type { AcceptedCurrency } from './currencies.ts';

export const cashierMembers = {
  tenantId: { column: text, fixed: true },
  id: { column: text, fixed: true, wire: () => z.guid() },
  name: { column: text, wire: () => z.string() },
  /** It keeps its case; in the tenant it is unique in any case. */
  email: { column: text, wire: () => z.string().meta({ description: 'Unique in the tenant, in any case' }) },
  version: {
    column: int,
    initial: 1,
    wire: () => z.int().min(1).meta({ description: 'Grows by one with each change' }),
  },
  createdAt: { column: instant, fixed: true, wire: instantOut },
  updatedAt: { column: instant, wire: instantOut },
} as const satisfies Members;

/** A cashier without what stands in a table of its own. */
export type StoredCashier = StateOf<typeof cashierMembers>;

/** A cashier as Postgres holds it. */
export interface Cashier extends StoredCashier {
  /** Sorted by code. */
  currencies: readonly AcceptedCurrency[];
}

export const cashierSchema = z.strictObject(wireShape(cashierMembers)).meta({
  id: 'Cashier',
  example: {
    id: '3f0a4c55-0a5e-5f0a-9b36-6a1f0a9d7c11',
    name: 'Kasse Nord',
    email: 'nord@example.com',
    version: 1,
    createdAt: '2029-11-30T16:00:00.000Z',
    updatedAt: '2029-11-30T16:00:00.000Z',
  },
});
export type WireCashier = z.infer<typeof cashierSchema>;

export const cashierToWire = (cashier: StoredCashier): WireCashier =>
  toWireShape(cashierMembers, cashier, cashier.updatedAt);
