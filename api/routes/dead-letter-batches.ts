/** The routes of batches: the same decision about many dead letters. */
import { uuidIn } from '../../values/text.ts';
import { keyReused } from '../../commands/refusal.ts';

import { stringify } from 'safe-stable-stringify';
import { z } from 'zod';
import { startBatch } from '../../dead-letters/batch.ts';
import { batchIdOf } from '../../dead-letters/batch-id.ts';
import type { BatchAction } from '../../dead-letters/dead-letter.ts';
import { type WireDeadLetterBatch, deadLetterBatchSchema, groupSchema } from '../../dead-letters/schemas.ts';
import { type DeadLetterBatch, batchById, notDoneOf } from '../../dead-letters/batch-reads.ts';
import { Problem, everyCommand, everyRead, problemOf } from '../problems.ts';
import type { Call, Reply, Route } from '../route.ts';
import { parseOrRefuse } from '../validation.ts';
import type { DeadLetterDeps } from './dead-letters.ts';

export function deadLetterBatchRoutes(deps: DeadLetterDeps): Route[] {
  const startRoute = (action: BatchAction, summary: string, description: string): Route => ({
    method: 'post',
    path: `/v1/dead-letters/${action}`,
    operationId: `${action}DeadLetters`,
    summary,
    description: `${description} At most ten a second, the oldest first; letters that come later are left alone.`,
    tag: 'Dead letters',
    scope: 'dead-letters:decide',
    command: { ifMatch: false },
    body: {
      schema: groupSchema,
      required: true,
      examples: { drafts: { filter: { reason: 'transition_not_allowed' }, reason: 'The invoices are finalized now' } },
    },
    answers: {
      202: { description: 'The batch, which goes on by itself', schema: deadLetterBatchSchema, headers: ['Location'] },
    },
    problems: everyCommand,
    handle: (call) => start(deps, action, call),
  });
  return [
    startRoute('replay', 'Replay the open dead letters of a group', 'Messages are handed in again, events sent again.'),
    startRoute('discard', 'Discard the open messages of a group', 'Events are left alone: they can only be withheld.'),
    {
      method: 'get',
      path: '/v1/dead-letter-batches/{id}',
      operationId: 'getDeadLetterBatch',
      summary: 'Read how far a batch is, and what was not done',
      tag: 'Dead letters',
      scope: 'dead-letters:read',
      params: z.object({ id: z.string().meta({ description: 'The batch’s id' }) }),
      answers: { 200: { description: 'The batch', schema: deadLetterBatchSchema } },
      problems: [...everyRead, 'dead_letter_batch_not_found'],
      handle: async ({ identity, params }) => {
        const id = uuidIn(params['id']);
        const batch = id ? await batchById(deps.database, id) : null;
        if (batch?.tenantId !== identity.tenantId)
          throw new Problem('dead_letter_batch_not_found', `There is no batch ${params['id'] ?? ''}.`);
        return { status: 200, body: await toWire(deps, batch) };
      },
    },
  ];
}

/** With one Idempotency-Key it is started once, and means the same. */
async function start(deps: DeadLetterDeps, action: BatchAction, call: Call): Promise<Reply> {
  const { filter, reason } = parseOrRefuse(groupSchema, call.body);
  const { tenantId, actor: operator } = call.identity;
  const id = batchIdOf(tenantId, call.idempotencyKey);
  const deadline = Date.parse(call.acceptedAt) + deps.requestDeadlineMs;
  const batch = await startBatch(deps, { id, tenantId, action, filter, operator, reason }, deadline);
  const isSame = stringify([batch.action, batch.filter, batch.reason]) === stringify([action, filter, reason]);
  if (!isSame) throw problemOf(keyReused());
  return { status: 202, headers: { Location: `/v1/dead-letter-batches/${id}` }, body: await toWire(deps, batch) };
}

async function toWire({ database }: DeadLetterDeps, batch: DeadLetterBatch): Promise<WireDeadLetterBatch> {
  const { id, filter, operator, reason, startedAt, endedAt, total, done, refused, unknown, left } = batch;
  return {
    id,
    verb: batch.action as BatchAction,
    filter,
    status: endedAt === null ? 'running' : 'completed',
    operator,
    reason,
    startedAt,
    endedAt,
    total,
    done,
    refused,
    unknown,
    left,
    notDone: await notDoneOf(database, id),
  };
}
