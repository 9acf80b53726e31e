/**
 * What Temporal tells of invoices that neither Postgres nor Kafka does: steps whose events had not reached Kafka. Their
 * callers were answered, and the history of the workflow has the answer.
 */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { z } from 'zod';
import { type Invoice, type Status, allowedActions, statuses } from '../../invoices/lifecycle.ts';
import type { Database } from '../../platform/database.ts';
import { queryRows } from '../../platform/rows.ts';
import { NO_ROW, workflowKinds } from '../verify/workflow-kinds.ts';
import { searchAttributes, workflowTypes } from '../../workflows/contract/common.ts';
import type { Problem } from './lost.ts';
import type { Numbers } from './numbers.ts';

const PAGE = 1_000;

type Shown = Pick<Invoice, 'status' | 'number'>;

interface Told extends Shown {
  tenantId: string;
  id: string;
}

const knownRow = z.object({
  tenant_id: z.string(),
  id: z.string(),
  status: z.enum(statuses),
  number: z.string().nullable(),
});

/** Of an invoice by `tenant/id`: what it is once everything that Kafka has is brought back. */
export type Recovered = ReadonlyMap<string, Shown>;

/** Lists lag behind and show less than there was, never more. Numbers that only Temporal knows are noted too. */
export async function aheadInTemporal(
  { temporal, database }: { temporal: Client; database: Database },
  recovered: Recovered,
  numbers: Numbers,
  sinceMs: number,
): Promise<Problem[]> {
  const problems: Problem[] = [];
  const judge = async (told: readonly Told[]) => {
    const known = await knownOf(database, told);
    for (const one of told) {
      const key = `${one.tenantId}/${one.id}`;
      const here = recovered.get(key) ?? known.get(key);
      numbers.add(one.tenantId, one.number);
      if (isAhead(one, here))
        problems.push({
          about: `invoice/${key}`,
          problem: `is ${one.status} with the number ${one.number ?? 'none'} for Temporal, and ${here ? here.status : 'nothing'} for Postgres and Kafka: the history of its workflow has what its callers were answered`,
        });
    }
  };
  let page: Told[] = [];
  const query = `WorkflowType = '${workflowTypes.invoice}' AND ${searchAttributes.invoiceStatus.name} IS NOT NULL AND (ExecutionStatus = 'Running' OR CloseTime > '${new Date(sinceMs).toISOString()}')`;
  for await (const { workflowId, typedSearchAttributes } of temporal.workflow.list({ query })) {
    const [, tenantId = '', id = ''] = workflowId.split('/');
    const status = statuses.find((one) => one === typedSearchAttributes.get(searchAttributes.invoiceStatus));
    if (!status) continue;
    page.push({ tenantId, id, status, number: typedSearchAttributes.get(searchAttributes.invoiceNumber) ?? null });
    if (page.length < PAGE) continue;
    await judge(page);
    page = [];
  }
  await judge(page);
  return problems;
}

/** Each step leaves less that can still happen, but for an update. */
const isAhead = (told: Shown, here: Shown | undefined): boolean =>
  !here || leftAfter(told.status) < leftAfter(here.status) || (told.number !== null && told.number !== here.number);

const leftAfter = (status: Status): number => allowedActions(status).length;

async function knownOf(database: Database, told: readonly Told[]): Promise<Map<string, Shown>> {
  const rows = await queryRows(database, knownRow)`
    SELECT i.tenant_id, i.id, i.status, i.number
    FROM unnest(${told.map(({ tenantId }) => tenantId)}::uuid[], ${told.map(({ id }) => id)}::uuid[])
      AS wanted(tenant_id, id)
    JOIN invoices i USING (tenant_id, id)`;
  return new Map(rows.map(({ tenant_id: tenantId, id, ...shown }) => [`${tenantId}/${id}`, shown]));
}

const ENDED_BECAUSE = 'Postgres was restored from a backup that does not have it';

/** Ends the workflows of what is not in Postgres any more. */
export async function endOrphans(temporal: Client, database: Database): Promise<void> {
  for (const { type, problemsOf } of workflowKinds) {
    const open: string[] = [];
    for await (const { workflowId } of temporal.workflow.list({
      query: `WorkflowType = '${type}' AND ExecutionStatus = 'Running'`,
    }))
      open.push(workflowId);
    for (let start = 0; start < open.length; start += PAGE) {
      for (const [id, problem] of await problemsOf(database, open.slice(start, start + PAGE))) {
        if (problem === NO_ROW) await endOne(temporal, id);
      }
    }
  }
}

/** It may have ended by itself: lists lag behind. */
async function endOne(temporal: Client, workflowId: string): Promise<void> {
  try {
    await temporal.workflow.getHandle(workflowId).terminate(ENDED_BECAUSE);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
