/** The events of the steps, as the catalogue has them and as the transaction publishes them. */
import { z } from 'zod';
import type { CommandHead } from '../commands/decision.ts';
import type { Occurrence, PublishedEvent } from '../commands/command.ts';
import type { EventDefinition } from '../messaging/event.ts';
import { exampleOf } from './example.ts';
import { type CashierStep, cashierStepNames, cashierStepOf } from './lifecycle.ts';
import { type Cashier, cashierSchema, cashierToWire } from './members.ts';

/** What all events of a cashier have in common: its topic, its key, its subject. */
const ofCashier = {
  entity: 'Cashier',
  version: 1,
  scope: 'public',
  key: ['tenantId', 'cashierId'],
  subject: 'cashierId',
} as const;

const snapshot = {
  schema: () => z.strictObject({ tenantId: z.guid(), cashier: cashierSchema }),
  data: ({ state }: Occurrence<Cashier>) => ({ tenantId: state.tenantId, cashier: cashierToWire(state) }),
};

/** What a step publishes: nothing or one event. */
export function eventsOf(step: CashierStep): PublishedEvent<Cashier, CommandHead & { body: unknown }>[] {
  const { event } = cashierStepOf(step);
  if (!event) return [];
  const { instead, ...names } = event;
  const { schema, data } = instead ?? snapshot;
  const definition = { ...ofCashier, ...names, schema, example: () => data(exampleOf(step)) };
  return [{ definition, data }];
}

/** Every event that tells of a cashier. */
export const cashierEvents: readonly EventDefinition[] = cashierStepNames.flatMap((step) =>
  eventsOf(step).map(({ definition }) => definition),
);
