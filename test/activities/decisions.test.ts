/** Decisions about dead letters on a real Postgres: which one a decision id stands for. */
import { DEAD_LETTER_RESOLVED } from '../../workflows/contract/dead-letter.ts';
import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Activities } from '../../activities/index.ts';
import type { Database } from '../../platform/database.ts';
import { testActivities } from '../support/activities.ts';
import { testDatabase } from '../support/database.ts';

let database: Database;
let activities: Activities;
let handedIn = 0;
beforeAll(() => {
  database = testDatabase();
  activities = testActivities(database, {
    deliver: async () => {
      handedIn += 1;
      return { kind: 'done' };
    },
  });
});
afterAll(() => database?.$disconnect());

async function openDeadLetter(): Promise<string> {
  const { id } = await database.deadLetter.create({
    data: {
      id: randomUUID(),
      tenantId: randomUUID(),
      topic: `test.decisions.${randomUUID()}`,
      partition: 0,
      offset: 0n,
      reason: 'invoice_not_found',
      detail: 'No such invoice.',
      headers: '{}',
      openedAt: new Date(),
    },
  });
  return id;
}
const decision = (deadLetterId: string) => ({
  deadLetterId,
  operator: 'ann',
  reason: 'a test',
  decisionId: 'TICKET-9',
});

it('PAY-04: a decision id stands for one action: a replay under the id of an edit is carried out', async () => {
  const id = await openDeadLetter();
  await activities.editMessage({ ...decision(id), payload: '{}' });
  const before = handedIn;
  expect(await activities.replayMessage(decision(id))).toMatchObject({ resolution: { as: 'replayed' } });
  expect(handedIn).toBe(before + 1);
  expect(await activities.replayMessage(decision(id))).toMatchObject({ resolution: { as: 'replayed' } });
  expect(handedIn).toBe(before + 1);
});

it('PAY-04: a discard under the id of a replay is told what was decided', async () => {
  const id = await openDeadLetter();
  await activities.replayMessage(decision(id));
  const refused = activities.discardMessage(decision(id)).catch((error: unknown) => error);
  expect(await refused).toMatchObject({ type: DEAD_LETTER_RESOLVED });
  expect(await refused).toBeInstanceOf(ApplicationFailure);
  expect(await database.auditEntry.count({ where: { entityId: id } })).toBe(1);
});
