/** Cashiers from their events. Which currencies they accept no event tells. */
import { z } from 'zod';
import type { AnyCommandDefinition } from '../../commands/command.ts';
import type { EntityDefinition } from '../../commands/entity.ts';
import { cashierCommandOf } from '../../cashiers/commands.ts';
import { cashierEntity } from '../../cashiers/entity.ts';
import { eventsOf } from '../../cashiers/events.ts';
import { type CashierStep, cashierStepNames } from '../../cashiers/lifecycle.ts';
import { type Cashier, cashierSchema } from '../../cashiers/members.ts';
import { nextVersion } from '../../cashiers/step.ts';
import { eventType } from '../../messaging/cloud-event.ts';
import { type ReadStep, type RecoverableKind, type RecoverableStep, Unreadable } from './kind.ts';

const wholeData = z.object({ tenantId: z.string(), cashier: cashierSchema });
const goneData = z.object({ deletedAt: z.string() });

function read(step: CashierStep, before: Cashier | null, data: unknown): ReadStep {
  const gone = goneData.safeParse(data);
  if (gone.success && before) {
    const { deletedAt: acceptedAt } = gone.data;
    return { state: nextVersion(before, acceptedAt), removed: true, body: {}, acceptedAt, reason: null };
  }
  const whole = wholeData.safeParse(data);
  if (!whole.success) throw new Unreadable(before ? 'is no event of today’s version' : 'is not in Postgres');
  const { tenantId, cashier } = whole.data;
  if ((step === 'create') !== (before === null))
    throw new Unreadable(before ? 'was added before' : 'is not in Postgres');
  const expected = (before?.version ?? 0) + 1;
  if (cashier.version !== expected) throw new Unreadable(`is at version ${cashier.version}, ${expected} was expected`);
  const state: Cashier = { ...cashier, tenantId, currencies: before?.currencies ?? [] };
  return { state, body: {}, acceptedAt: cashier.updatedAt, reason: null };
}

const stepsOf = (step: CashierStep): [string, RecoverableStep][] =>
  eventsOf(step).map(({ definition }) => [
    eventType(definition),
    {
      definition: cashierCommandOf(step) as unknown as AnyCommandDefinition,
      read: (before, data) => read(step, before as Cashier | null, data),
    },
  ]);

export const recoverableCashiers: RecoverableKind = {
  entity: cashierEntity as unknown as EntityDefinition,
  steps: new Map(cashierStepNames.flatMap(stepsOf)),
  idName: 'cashierId',
  wakes: false,
};
