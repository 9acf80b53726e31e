/** What became of a command that was answered with 202. */
import { type StepAnswer, invoiceWorkflowId } from '../../workflows/contract/invoice.ts';
import { failureIn } from '../../commands/send-update.ts';
import type { SendDeps } from '../../commands/send-update.ts';
import { uuidIn } from '../../values/text.ts';
import { type WireInvoice, invoiceSchema } from '../../invoices/wire.ts';

import {
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { z } from 'zod';
import { outcomeOf } from '../../invoices/send.ts';
import type { Refusal } from '../../commands/refusal.ts';
import type { Database } from '../../platform/database.ts';
import { operationOutcome } from '../../invoices/operation.ts';
import { Problem, anyProblemSchema, commandStopped, everyRead, problemDocument, problemOf } from '../problems.ts';
import type { Route } from '../route.ts';

const operationStatuses = ['pending', 'succeeded', 'refused', 'failed', 'unknown'] as const;

export const operationSchema = z
  .strictObject({
    attemptId: z.string(),
    status: z.enum(operationStatuses).meta({
      description:
        'unknown: the attempt was lost on the way, send the command again with its Idempotency-Key; or a person has stopped it, and problem says who and why',
    }),
    invoice: invoiceSchema.nullable(),
    problem: anyProblemSchema
      .nullable()
      .meta({ description: 'The refusal, or that a person has stopped the attempt, as the request would have got it' }),
  })
  .meta({ id: 'Operation' });

const WORKFLOW_WAIT_MS = 1_000;
const querySchema = z.object({
  invoiceId: z.string().optional().meta({ description: 'As in the Location that named the operation' }),
});

export function operationRoutes({ database, send }: { database: Database; send: SendDeps }): Route[] {
  return [
    {
      method: 'get',
      path: '/v1/operations/{attemptId}',
      operationId: 'getOperation',
      summary: 'Read what became of a command that was answered with 202',
      tag: 'Operations',
      scope: 'invoices:read',
      params: z.object({ attemptId: z.string() }),
      query: querySchema,
      answers: { 200: { description: 'The operation', schema: operationSchema } },
      problems: [...everyRead, 'operation_not_found'],
      handle: async ({ identity, params, query }) => {
        const attemptId = uuidIn(params['attemptId']);
        const invoiceId = uuidIn(querySchema.safeParse(query).data?.invoiceId);
        const recorded = attemptId ? await operationOutcome(database, identity.tenantId, attemptId) : null;
        if (recorded) return reply(params['attemptId'], recorded);
        if (!attemptId || !invoiceId) {
          throw new Problem('operation_not_found', `There is no operation ${params['attemptId'] ?? ''}.`);
        }
        return reply(attemptId, await askWorkflow(send, identity.tenantId, invoiceId, attemptId));
      },
    },
  ];
}

type Outcome =
  | { invoice: WireInvoice }
  | { refusal: Refusal }
  | { status: 'pending' | 'failed' | 'unknown'; problem?: Problem };

async function askWorkflow(
  { client }: SendDeps,
  tenantId: string,
  invoiceId: string,
  attemptId: string,
): Promise<Outcome> {
  const workflow = client.workflow.getHandle(invoiceWorkflowId(tenantId, invoiceId));
  try {
    return await client.withDeadline(Date.now() + WORKFLOW_WAIT_MS, () =>
      workflow.getUpdateHandle<StepAnswer>(attemptId).result(),
    );
  } catch (error) {
    const failure = failureIn(error);
    const outcome = failure && outcomeOf(failure);
    if (outcome?.kind === 'refused') return { refusal: outcome.refusal };
    if (outcome?.kind === 'failed') return { status: 'failed' };
    if (outcome?.kind === 'stopped') return { status: 'unknown', problem: commandStopped(outcome.detail) };
    if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return { status: 'pending' };
    // The workflow, or this attempt of it, has ended without an answer: nobody carries the command out any more.
    if (error instanceof WorkflowNotFoundError || error instanceof WorkflowUpdateFailedError)
      return { status: 'unknown' };
    throw error;
  }
}

function reply(attemptId: string | undefined, outcome: Outcome) {
  const status = 'invoice' in outcome ? 'succeeded' : 'refusal' in outcome ? 'refused' : outcome.status;
  const invoice = 'invoice' in outcome ? outcome.invoice : null;
  const because =
    'refusal' in outcome ? problemOf(outcome.refusal) : 'problem' in outcome ? outcome.problem : undefined;
  const problem = because ? problemDocument(because, `/v1/operations/${attemptId}`) : null;
  return { status: 200, body: { attemptId, status, invoice, problem } };
}
