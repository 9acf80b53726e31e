/**
 * Many callers at once. What would break without it: false refusals above Temporal's ten updates in flight, double
 * runs.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type System, startSystem } from '../support/system.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem({ REQUEST_DEADLINE_MS: '30000' });
});
afterAll(() => system?.stop());

it('fifty distinct commands at once on one invoice: no false refusal, nothing run twice', async () => {
  const ann = system.caller();
  const { id } = await ann.draft();
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, n) =>
      ann.request<{ version: number }>('PATCH', `/v1/invoices/${id}`, { body: { name: `Name ${n}` } }),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  expect(answers.map((answer) => answer.body.version).toSorted((a, b) => a - b)).toEqual(answers.map((_, n) => n + 2));
  expect(await system.database.auditEntry.count({ where: { tenantId: ann.tenantId, entityId: id } })).toBe(51);
  expect(await system.database.outboxEvent.count({ where: { tenantId: ann.tenantId } })).toBe(52);
});

it('INV-32: a hundred races of pay against cancel: exactly one wins each, the loser gets 409, nobody waits for ever', async () => {
  const ann = system.caller();
  const race = async () => {
    const { id } = await ann.finalized();
    const [paid, cancelled] = await Promise.all([ann.pay(id), ann.step(id, 'cancel')]);
    const { body: invoice } = await ann.request<{ status: string }>('GET', `/v1/invoices/${id}`);
    return {
      statuses: [paid.status, cancelled.status].toSorted(),
      winner: paid.status === 200 ? 'paid' : 'cancelled',
      is: invoice.status,
    };
  };
  const results = [];
  for (let round = 0; round < 10; round += 1) results.push(...(await Promise.all(Array.from({ length: 10 }, race))));
  expect(results.map(({ statuses }) => statuses)).toEqual(results.map(() => [200, 409]));
  expect(results.filter(({ winner, is }) => winner !== is)).toEqual([]);
  const paid = results.filter(({ winner }) => winner === 'paid').length;
  expect(await system.database.payment.count({ where: { tenantId: ann.tenantId } })).toBe(paid);
});
