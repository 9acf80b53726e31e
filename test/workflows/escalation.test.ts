/** A dead letter that nobody decides, with skipped time. */
import { workflowTypes } from '../../workflows/contract/common.ts';
import { type DecisionAnswer, deadLetterWorkflowId } from '../../workflows/contract/dead-letter.ts';
import { randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type SkippedTime, skipTime } from '../support/skipped-time.ts';
import { type Staff, staffOfDeadLetter } from '../support/staff.ts';
import { waitFor } from '../support/wait.ts';

let time: SkippedTime;
/** The dead letters that were called out, in order. */
const calledOut: string[] = [];
beforeAll(async () => {
  time = await skipTime({
    change: (real) => ({
      escalateDeadLetter: (input) => {
        calledOut.push(input.deadLetterId);
        return real.escalateDeadLetter(input);
      },
    }),
    maxCachedWorkflows: 0,
  });
});
afterAll(() => time?.stop());

/** A message that was refused now, with its workflow. */
async function storeDeadLetter(): Promise<{ id: string; staff: Staff }> {
  const { database, env, tenantId } = time;
  const id = uuidv7();
  const place = { topic: `test.nowhere.${randomUUID()}`, partition: 0, offset: 0n };
  const cause = { reason: 'invoice_not_found', detail: 'No such invoice.', headers: '{}' };
  const openedAt = new Date(await env.currentTimeMs());
  await database.deadLetter.create({
    data: { id, tenantId, ...place, ...cause, openedAt, workflowStartedAt: openedAt },
  });
  await env.client.workflow.start(workflowTypes.deadLetter, {
    workflowId: deadLetterWorkflowId(id),
    taskQueue: 'time',
    args: [{ deadLetterId: id }],
  });
  const staff = staffOfDeadLetter(env.client, 'default', id);
  await waitFor('the page', async () => (await staff.details()).includes('invoice_not_found'));
  return { id, staff };
}

it('PAY-04: a dead letter that nobody decides for a day is escalated: found by its attribute, said on its page and in the log', async () => {
  const { id, staff } = await storeDeadLetter();
  await time.env.sleep('23 hours');
  // This server keeps an attribute that is empty as [null].
  expect([undefined, [null]]).toContainEqual((await staff.searchAttributes())['Escalated']);
  await time.env.sleep('2 hours');
  await waitFor('the attribute', async () => String((await staff.searchAttributes())['Escalated']) === 'true');
  expect(await staff.details()).toContain('**ESCALATED.** It has been waiting since');
  expect(calledOut).toEqual([id]);
  await time.env.sleep('48 hours');
  expect(calledOut).toEqual([id]);
  const answer = (await staff.update('discard', { operator: 'ann', reason: 'late' })) as DecisionAnswer;
  expect(answer.status).toBe('discarded');
  await staff.waitForStatus('COMPLETED');
  expect([undefined, [null]]).toContainEqual((await staff.searchAttributes())['Escalated']);
  expect(await staff.details()).not.toContain('ESCALATED');
});

it('PAY-04: decided in time, it is not escalated', async () => {
  const { id, staff } = await storeDeadLetter();
  await time.env.sleep('1 hour');
  await staff.update('discard', { actor: 'ann', reason: 'in time' });
  await staff.waitForStatus('COMPLETED');
  await time.env.sleep('25 hours');
  expect(calledOut).not.toContain(id);
});
