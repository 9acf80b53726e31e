/** What support sees of the relay while Kafka is away, with skipped time. */
import { workflowTypes } from '../../workflows/contract/common.ts';
import { relayWorkflowId } from '../../workflows/contract/outbox-relay.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EventSink } from '../../messaging/event-sink.ts';
import { testActivities, noParts } from '../support/activities.ts';
import { testDatabase } from '../support/database.ts';
import { manyDrafts } from '../support/drafts.ts';
import { type SkippedTime, skipTime } from '../support/skipped-time.ts';
import { staffAt } from '../support/staff.ts';
import { waitFor } from '../support/wait.ts';

const away: EventSink = {
  ...noParts,
  prepare: async () => {
    throw new Error('connect ECONNREFUSED');
  },
  send: async () => undefined,
  close: async () => undefined,
};

const database = testDatabase();
let time: SkippedTime;
beforeAll(async () => {
  const { publishBatch } = testActivities(database, { sink: away });
  time = await skipTime({ change: () => ({ publishBatch }), maxCachedWorkflows: 0 });
});
afterAll(async () => {
  await time?.stop();
  await database.$disconnect();
});

it('Kafka away: the page of the relay says so, with the backlog and the last error, and it goes on trying', async () => {
  await manyDrafts(database, time.tenantId, 3, null);
  const workflowId = relayWorkflowId(0);
  await time.env.client.workflow.start(workflowTypes.outboxRelay, {
    workflowId,
    taskQueue: 'time',
    args: [{ shard: 0, shards: 1 }],
  });
  const relay = staffAt(time.env.client, 'default', workflowId);
  await time.env.sleep('1 minute');
  const page = await waitFor('the page', async () => {
    const details = await relay.details();
    return details.includes('Last error') && details;
  });
  expect(page).toContain('connect ECONNREFUSED');
  const [, published, waiting] = /\| (\d+) \| (\d+) \| [\d.]+ s \| \d+ \|/.exec(page) ?? [];
  expect(published).toBe('0');
  expect(Number(waiting)).toBeGreaterThanOrEqual(3);
  await time.env.sleep('10 minutes');
  expect(await relay.status()).toBe('RUNNING');
  await relay.terminate();
});

it('the number of relays was changed: a relay of the old number ends, and those of the new one take its place', async () => {
  const relay = await time.env.client.workflow.start(workflowTypes.outboxRelay, {
    workflowId: relayWorkflowId(1),
    taskQueue: 'time',
    args: [{ shard: 1, shards: 2 }],
  });
  await relay.result();
  expect(await staffAt(time.env.client, 'default', relay.workflowId).status()).toBe('COMPLETED');
});
