/**
 * Temporal against Postgres: no workflow is open without a reason, and none is missing that something waits for.
 * Lists lag behind by about a second, so what they say is asked of the workflow itself before it is told.
 */
import { searchAttributes } from '../../workflows/contract/common.ts';
import { relayWorkflowId } from '../../workflows/contract/outbox-relay.ts';
import { RETENTION_ID } from '../../workflows/contract/retention.ts';
import { WAKEUP_RELAY_ID } from '../../workflows/contract/wakeup-relay.ts';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { type Check, PAGE, type Tally, type World } from './check.ts';
import { type WorkflowKind, workflowKinds } from './workflow-kinds.ts';

const DESCRIBE_AT_ONCE = 10;

export const workflows: Check = {
  name: 'workflows',
  run: async (world, tally) => {
    for (const kind of workflowKinds) {
      const open = await checkOpen(world, kind, tally);
      await checkMissing(world, kind, open, tally);
    }
    await checkStanding(world, tally);
  },
};

/** Asks of each open workflow why it is open; returns the ids of all of them. */
async function checkOpen(world: World, kind: WorkflowKind, tally: Tally): Promise<Set<string>> {
  const open = new Set<string>();
  let page: string[] = [];
  const judge = async () => {
    const reasons = await kind.problemsOf(world.database, page);
    await confirm(world.temporal, [...reasons.keys()], (id, isOpen) => {
      if (isOpen) tally.found(id, `is open, but ${reasons.get(id)}`);
    });
    page = [];
  };
  for await (const { workflowId } of world.temporal.workflow.list({ query: openOnes(world, kind.type) })) {
    open.add(workflowId);
    page.push(workflowId);
    if (page.length === PAGE) await judge();
  }
  await judge();
  tally.saw(`open ${kind.type}`, open.size);
  return open;
}

function openOnes({ tenants }: World, type: string): string {
  const condition = `WorkflowType = '${type}' AND ExecutionStatus = 'Running'`;
  if (!tenants) return condition;
  return `${condition} AND ${searchAttributes.billingTenant.name} IN (${tenants.map((id) => `'${id}'`).join(', ')})`;
}

/** Asks for the workflows that Postgres says should be open. */
async function checkMissing(
  world: World,
  { type, due }: WorkflowKind,
  open: ReadonlySet<string>,
  { saw, found }: Tally,
): Promise<void> {
  for await (const rows of due(world)) {
    saw(`due ${type}`, rows.length);
    const because = new Map(rows.map((row) => [row.workflowId, row.because]));
    const absent = [...because.keys()].filter((id) => !open.has(id));
    await confirm(world.temporal, absent, (id, isOpen) => {
      if (!isOpen) found(id, `is not open, but ${because.get(id)}`);
    });
  }
}

async function checkStanding({ temporal, shards }: World, { saw, found }: Tally): Promise<void> {
  const relays = [WAKEUP_RELAY_ID, ...Array.from({ length: shards }, (_, shard) => relayWorkflowId(shard))];
  saw('relays', relays.length);
  await confirm(temporal, [...relays, RETENTION_ID], (id, isOpen) => {
    if (!isOpen) found(id, 'is not open, but nothing moves without it');
  });
}

async function confirm(
  client: Client,
  ids: readonly string[],
  report: (id: string, isOpen: boolean) => void,
): Promise<void> {
  for (let start = 0; start < ids.length; start += DESCRIBE_AT_ONCE) {
    const some = ids.slice(start, start + DESCRIBE_AT_ONCE);
    const are = await Promise.all(some.map((id) => isRunning(client, id)));
    for (const [index, id] of some.entries()) report(id, are[index] ?? false);
  }
}

async function isRunning(client: Client, workflowId: string): Promise<boolean> {
  try {
    return (await client.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
