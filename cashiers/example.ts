/** A cashier as documents tell of it: each step carried out by the rules, with the example that its definition has. */
import type { Occurrence } from '../commands/command.ts';
import type { CommandHead } from '../commands/decision.ts';
import { type CashierCommand, decideCashier } from './cashier.ts';
import { type CashierStep, cashierStepOf } from './lifecycle.ts';
import type { Cashier } from './members.ts';

const TENANT = '11111111-1111-4111-8111-111111111111';
const CASHIER = '3f0a4c55-0a5e-5f0a-9b36-6a1f0a9d7c11';
const ADDED_AT = '2029-11-30T16:00:00.000Z';
const CHANGED_AT = '2029-12-01T09:30:00.000Z';

/** A step without a path of its own as it is accepted, and the cashier after it. */
export function exampleOf(step: CashierStep): Occurrence<Cashier, CommandHead & { body: unknown }> {
  const { request, body } = cashierStepOf(step);
  const [sent] = Object.values(request?.examples ?? {});
  const command = {
    tenantId: TENANT,
    cashierId: CASHIER,
    acceptedAt: step === 'create' ? ADDED_AT : CHANGED_AT,
    expectedVersion: null,
    body: body(sent, {}),
  };
  const before = step === 'create' ? null : exampleOf('create').state;
  const decision = decideCashier(before, { ...command, step } as CashierCommand);
  if (decision.kind !== 'accepted') throw new TypeError(`The example of ${step} is not accepted.`);
  const head = { key: '', fingerprint: '', attemptId: '', actor: '' };
  return { before, state: decision.state, command: { ...command, ...head }, newId: () => '' };
}
