/**
 * Whose workflow the relay of wake-ups starts, when it may be missing: on a database of its own, so that nobody else
 * turns to the rows.
 */
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startMissingDeadLetters } from '../../commands/dead-letters.ts';
import { addDays } from '../../domain/dates.ts';
import { type Database, createDatabase } from '../../platform/database.ts';
import { createLogger } from '../../platform/logger.ts';
import { missingBatchWorkflows, missingLetterWorkflows, missingRunWorkflows } from '../../queries/workflows-due.ts';
import { deadLetterWorkflowId } from '../../workflows/contract.ts';
import { makeOwnDatabase } from '../support/servers.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

const AT_A_TIME = 50;

let database: Database;
let system: System;
beforeAll(async () => {
  const url = await makeOwnDatabase('missing');
  database = createDatabase({ url, poolMax: 5, applicationName: 'test' });
  system = await startSystem({ DATABASE_URL: url }, { worker: false });
});
afterAll(async () => {
  await system?.stop();
  await database?.$disconnect();
});
beforeEach(async () => {
  await database.deadLetter.deleteMany();
  await database.deadLetterBatch.deleteMany();
  await database.billingRun.deleteMany();
});

const tenantId = randomUUID();
const now = () => new Date();
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
const numbered = (count: number) => Array.from({ length: count }, (_, n) => n);

const letter = (more: object = {}) => ({
  id: uuidv7(),
  tenantId,
  topic: `test.nowhere.${randomUUID()}`,
  partition: 0,
  offset: 0n,
  reason: 'invoice_not_found',
  detail: 'No such invoice.',
  headers: '{}',
  openedAt: minutesAgo(200),
  ...more,
});
const decided = { resolution: 'discarded', resolvedBy: 'ann', resolvedReason: 'x', resolvedAt: minutesAgo(1) };
const batch = (more: object = {}) => ({
  id: randomUUID(),
  tenantId,
  verb: 'replay',
  filter: '{}',
  operator: 'ann',
  reason: 'x',
  startedAt: minutesAgo(200),
  ...more,
});
const run = (n: number, more: object = {}) => ({
  tenantId,
  businessDate: new Date(addDays('2030-01-01', n)),
  startedAt: minutesAgo(200),
  ...more,
});

interface Kind {
  /** Not done, started at these instants; and one more that is done. */
  plant: (startedAt: (Date | null)[]) => Promise<unknown>;
  turn: (limit: number) => Promise<string[]>;
}

const kinds: Record<string, Kind> = {
  'dead letters': {
    plant: (startedAt) =>
      database.deadLetter.createMany({
        data: [...startedAt.map((at) => letter({ workflowStartedAt: at })), letter(decided)],
      }),
    turn: async (limit) => (await missingLetterWorkflows(database, limit)).map(({ id }) => id),
  },
  'batches of letters': {
    plant: (startedAt) =>
      database.deadLetterBatch.createMany({
        data: [...startedAt.map((at) => batch({ workflowStartedAt: at })), batch({ endedAt: now() })],
      }),
    turn: async (limit) => (await missingBatchWorkflows(database, limit)).map(({ id }) => id),
  },
  'billing runs': {
    plant: (startedAt) =>
      database.billingRun.createMany({
        data: [
          ...startedAt.map((at, n) => run(n, { workflowStartedAt: at })),
          run(startedAt.length, { endedAt: now() }),
        ],
      }),
    turn: async (limit) => (await missingRunWorkflows(database, limit)).map(({ businessDate }) => businessDate),
  },
};

describe.each(Object.entries(kinds))('%s', (_name, { plant, turn }) => {
  it('each that is not done has its turn, a bounded number at a time, and none twice in a minute', async () => {
    await plant([...numbered(120).map((n) => minutesAgo(2 + n)), ...numbered(5).map(now)]);
    const turns = [await turn(10), await turn(10), await turn(10), await turn(10)];
    expect(turns.map(({ length }) => length)).toEqual([AT_A_TIME, AT_A_TIME, 20, 0]);
    expect(new Set(turns.flat()).size).toBe(120);
  });

  it('those that nobody has started come besides, and none of them keeps another waiting', async () => {
    await plant([...numbered(30).map(() => null), ...numbered(60).map(() => minutesAgo(2))]);
    const seen = new Set<string>();
    expect((await turn(10)).map((id) => seen.add(id))).toHaveLength(10 + AT_A_TIME);
    expect((await turn(10)).map((id) => seen.add(id))).toHaveLength(10 + 10);
    await waitFor('all of them', async () => {
      for (const id of await turn(10)) seen.add(id);
      return seen.size === 90;
    });
  });
});

const deps = (client: Client) => ({
  database,
  client,
  taskQueue: 'nobody-is-here',
  logger: createLogger({ level: 'silent', name: 'test' }),
});
const startedAtOf = async (id: string) =>
  (await database.deadLetter.findUniqueOrThrow({ where: { id } })).workflowStartedAt;

it('a letter that Temporal refuses for good keeps no other from its workflow, nor the relay from its work', async () => {
  const { client } = system.temporal;
  const [refused, others] = [letter({ type: 'x'.repeat(100_000) }), numbered(3).map(() => letter())];
  await database.deadLetter.create({ data: refused });
  await startMissingDeadLetters(deps(client), 10);
  await database.deadLetter.createMany({ data: others });
  await startMissingDeadLetters(deps(client), 10);
  expect(await startedAtOf(refused.id)).toBeNull();
  for (const { id } of others) {
    expect(await startedAtOf(id)).not.toBeNull();
    await client.workflow.getHandle(deadLetterWorkflowId(id)).terminate('by a test');
  }
});

it('rejects while Temporal is away, so that the relay tries again', async () => {
  const { id } = await database.deadLetter.create({ data: letter() });
  const connection = Connection.lazy({ address: '127.0.0.1:1' });
  await expect(startMissingDeadLetters(deps(new Client({ connection })), 10)).rejects.toThrow(
    'Failed to start Workflow',
  );
  expect(await startedAtOf(id)).toBeNull();
  await connection.close();
});
