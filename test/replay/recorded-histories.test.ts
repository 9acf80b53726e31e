/**
 * Replays what the other tests have left in Temporal: a change of a workflow that would break one that is running
 * fails here.
 */
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Temporal, connectTemporal } from '../../platform/temporal.ts';
import '../support/quiet.ts';
import { testConfig } from '../support/system.ts';

const PER_STATUS_MAX = 60;
const { WORKFLOW_BUNDLE = '' } = process.env;

let temporal: Temporal;
beforeAll(async () => {
  temporal = await connectTemporal(await testConfig());
});
afterAll(() => temporal?.connection.close());

it.each(['Running', 'Completed', 'Terminated'])(
  'histories of %s workflows replay without a difference',
  async (status) => {
    const histories = [];
    for await (const { workflowId, runId } of temporal.client.workflow.list({ query: `ExecutionStatus="${status}"` })) {
      if (histories.length >= PER_STATUS_MAX) break;
      const history = await temporal.client.workflow.getHandle(workflowId, runId).fetchHistory();
      histories.push({ workflowId, history });
    }
    const faults: string[] = [];
    for await (const { workflowId, error } of Worker.runReplayHistories(
      { workflowBundle: { codePath: WORKFLOW_BUNDLE } },
      histories,
    )) {
      if (error) faults.push(`${workflowId}: ${error.message}`);
    }
    expect(faults).toEqual([]);
    expect(histories.length).toBeGreaterThan(0);
  },
);
