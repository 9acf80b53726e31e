/**
 * A change of a workflow that would break one that is running fails here: the histories that are kept in the repository
 * are replayed, and what the other tests have left in Temporal.
 *
 * `RECORD_HISTORIES=1 npm test` replaces those that are kept, after a change that running workflows survive.
 */
import { workflowTypes } from '../../workflows/contract/common.ts';
import { readFileSync } from 'node:fs';
import type { temporal as proto } from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Temporal, connectTemporal } from '../../platform/temporal.ts';
import { recordHistories, recordedHistories } from '../support/histories.ts';
import { lanes } from '../support/lanes.ts';
import '../support/quiet.ts';
import { testConfig } from '../support/system.ts';

/** In each lane. */
const PER_STATUS_MAX = 30;
const RECORDED_MAX = 3_000;
const { WORKFLOW_BUNDLE = '', RECORD_HISTORIES } = process.env;

/** Those of all lanes. */
const temporals: Temporal[] = [];
beforeAll(async () => {
  for (const { TEMPORAL_ADDRESS = '' } of lanes)
    temporals.push(await connectTemporal(await testConfig({ TEMPORAL_ADDRESS })));
});
afterAll(async () => {
  for (const { connection } of temporals) await connection.close();
});

interface Replayed {
  workflowId: string;
  history: unknown;
}

/** Those that do not replay, with the reason. */
async function differencesIn(histories: readonly Replayed[]): Promise<string[]> {
  const faults: string[] = [];
  const bundle = { workflowBundle: { codePath: WORKFLOW_BUNDLE } };
  for await (const { workflowId, error } of Worker.runReplayHistories(bundle, histories)) {
    if (error) faults.push(`${workflowId}: ${error.message}`);
  }
  return faults;
}

async function recorded(query: string, limit: number) {
  const histories: { workflowId: string; history: proto.api.history.v1.IHistory }[] = [];
  for (const { client } of temporals) {
    let taken = 0;
    for await (const { workflowId, runId } of client.workflow.list({ query })) {
      if ((taken += 1) > limit) break;
      histories.push({ workflowId, history: await client.workflow.getHandle(workflowId, runId).fetchHistory() });
    }
  }
  return histories;
}

it('every workflow type has a history in the repository, and they replay without a difference', async () => {
  const kept = recordedHistories();
  expect([...new Set(kept.map(({ type }) => type))].toSorted()).toEqual(Object.values(workflowTypes).toSorted());
  expect(await differencesIn(kept.map(({ name, history }) => ({ workflowId: name, history })))).toEqual([]);
});

// A task that ended with the result of a local activity alone, as it was seen with an old run; only where the patch
// stands was changed by hand.
it('a dead letter whose first task ended before it knew its patches replays', async () => {
  const file = new URL('../data/letter-task-ended-early.json', import.meta.url);
  const history: unknown = JSON.parse(readFileSync(file, 'utf8'));
  expect(await differencesIn([{ workflowId: 'dead-letter/early', history }])).toEqual([]);
});

it.each(['Running', 'Completed', 'Terminated'])(
  'histories of %s workflows replay without a difference',
  async (status) => {
    const histories = await recorded(`ExecutionStatus="${status}"`, PER_STATUS_MAX);
    expect(await differencesIn(histories)).toEqual([]);
    expect(histories.length).toBeGreaterThan(0);
  },
);

it.runIf(RECORD_HISTORIES)('keeps histories of every workflow type', async () => {
  const found: proto.api.history.v1.IHistory[] = [];
  for (const type of Object.values(workflowTypes))
    found.push(...(await recorded(`WorkflowType="${type}"`, RECORDED_MAX)).map(({ history }) => history));
  recordHistories(found);
  expect(recordedHistories().length).toBeGreaterThanOrEqual(Object.values(workflowTypes).length);
});
