/** Many invoices in one request: each row is the command that it would be alone, with its key, its rules and its answer. */
import { z } from 'zod';
import { newAttemptId } from '../../commands/key.ts';
import type { Load } from '../../commands/load.ts';
import { type FieldError, invalidFields } from '../../commands/refusal.ts';
import { type ManyDeps, type ManyOutcome, carryOutMany } from '../../invoices/create-many.ts';
import { type StepBodies, type StepCommand, stepOf } from '../../invoices/lifecycle.ts';
import { type WireInvoice, invoiceSchema } from '../../invoices/wire.ts';
import type { WireSettings } from '../../messaging/cloud-event.ts';
import { type Database, LONG_WAIT_MS } from '../../platform/database.ts';
import type { Logger } from '../../platform/logger.ts';
import { schemaOf, untrimmed } from '../../values/schema.ts';
import { KEY_LENGTH } from '../../values/text.ts';
import { idempotencyKey } from '../headers.ts';
import { requireScopes } from '../identity.ts';
import { Problem, anyProblemSchema, everyRead, problemDocument, problemOf, problemTable } from '../problems.ts';
import type { Call, Route } from '../route.ts';
import { parseOrRefuse } from '../validation.ts';
import { commandOf, parseBody } from './invoice-commands.ts';

export interface InvoiceBatchDeps {
  database: Database;
  wire: WireSettings;
  logger: Logger;
  load: Load;
}

const PATH = '/v1/invoices/batch';
const ROWS_MAX = 500;
const BODY_MAX = 1024 * 1024;

const key = untrimmed(...KEY_LENGTH).meta({
  description: 'As the header Idempotency-Key of a single request; each row has another',
  example: 'order-7731',
});

/** As it is published. Whether a row's invoice is right is told of that row alone. */
const requestSchema = z.strictObject({
  finalize: z.boolean().optional().meta({ description: 'Finalize each invoice too, with the key {key}:finalize' }),
  items: z
    .array(z.strictObject({ idempotencyKey: key, invoice: schemaOf(stepOf('create').body) }))
    .min(1)
    .max(ROWS_MAX),
});
const readSchema = requestSchema.extend({
  items: z
    .array(z.strictObject({ idempotencyKey: key, invoice: z.unknown() }))
    .min(1)
    .max(ROWS_MAX),
});

const steps = ['create', 'finalize'] as const;
type BatchStep = (typeof steps)[number];

const answerSchema = z
  .strictObject({
    items: z
      .array(
        z.strictObject({
          idempotencyKey: z.string(),
          status: z.int().meta({ description: '201, or the status of the problem', example: 201 }),
          replayed: z.array(z.enum(steps)).meta({ description: 'The steps that an earlier request had carried out' }),
          invoice: invoiceSchema.nullable().meta({ description: 'null: it was not drafted' }),
          problem: anyProblemSchema.nullable().meta({ description: 'Why the row was refused, as if it were alone' }),
        }),
      )
      .meta({ description: 'In the order of the request' }),
  })
  .meta({ id: 'InvoiceBatch' });

/** What has come of a row so far. */
interface Row {
  idempotencyKey: string;
  invoice: WireInvoice | null;
  problem: Problem | null;
  replayed: BatchStep[];
}

export function invoiceBatchRoute({ database, wire, logger, load }: InvoiceBatchDeps): Route {
  // The relays look by themselves: they run in the workers, which a request does not reach.
  const deps: ManyDeps = {
    database,
    wire,
    load,
    notify: () => undefined,
    waitMs: LONG_WAIT_MS,
    overdueAfterMs: undefined,
  };
  return {
    method: 'post',
    path: PATH,
    operationId: 'createInvoices',
    summary: `Draft up to ${ROWS_MAX} invoices, and finalize them where asked`,
    description:
      'Each row is the command that it would be alone: the same rules, history, numbers and events. One row that is refused keeps no other from being carried out. Sent again, rows that were carried out are replayed. The page of an invoice in the Web UI follows a little later.',
    tag: 'Invoices',
    scope: 'invoices:create',
    body: {
      schema: requestSchema,
      required: true,
      examples: {
        two: {
          finalize: true,
          items: [
            {
              idempotencyKey: 'order-7731',
              invoice: { name: 'Hosting, November', amount: '1200.00', currency: 'EUR' },
            },
            { idempotencyKey: 'order-7732', invoice: { name: 'Hosting, December', amount: '80.00', currency: 'EUR' } },
          ],
        },
      },
    },
    bodyMax: BODY_MAX,
    answers: { 200: { description: 'What came of each row', schema: answerSchema } },
    problems: [...everyRead, 'validation_failed', 'too_many_commands'],
    handle: async (call) => {
      const repeated = repeatedKeys(call.body);
      const { finalize = false, items } = parseOrRefuse(readSchema, call.body, repeated);
      if (repeated.length > 0) throw problemOf(invalidFields(repeated));
      if (finalize) requireScopes(call.identity, ['invoices:finalize']);
      const rows = items.map(({ idempotencyKey: own }): Row => ({
        idempotencyKey: own,
        invoice: null,
        problem: null,
        replayed: [],
      }));
      const step = <S extends BatchStep>(name: S, of: (row: Row, index: number) => StepBodies[S]) =>
        carryOutStep({ deps, logger, call, wakes: name === 'finalize' || !finalize }, name, rows, of);
      await step('create', (_, index) => createBody(call, items[index]?.invoice));
      if (finalize) await step('finalize', () => ({}));
      return { status: 200, body: { items: rows.map(toWire) } };
    },
  };
}

/** Rows with one key would be one command twice. */
function repeatedKeys(body: unknown): FieldError[] {
  const { items } = (body ?? {}) as { items?: unknown };
  if (!Array.isArray(items)) return [];
  const seen = new Set<unknown>();
  return items.flatMap((item: { idempotencyKey?: unknown } | null, index) => {
    const own = item?.idempotencyKey;
    if (typeof own !== 'string') return [];
    const isRepeated = seen.has(own);
    seen.add(own);
    return isRepeated
      ? [{ path: `items.${index}.idempotencyKey`, code: 'repeated', message: 'is the key of an earlier row' }]
      : [];
  });
}

const createBody = ({ acceptedAt }: Call, body: unknown): StepBodies['create'] =>
  parseBody(schemaOf(stepOf('create').body), { body, acceptedAt }) as StepBodies['create'];

interface StepDeps {
  deps: ManyDeps;
  logger: Logger;
  call: Call;
  wakes: boolean;
}

/** Carries a step out for every row that has met no problem yet, and notes what came of it. */
async function carryOutStep<S extends BatchStep>(
  { deps, logger, call, wakes }: StepDeps,
  step: S,
  rows: readonly Row[],
  bodyOf: (row: Row, index: number) => StepBodies[S],
): Promise<void> {
  const commanded = rows.flatMap((row, index) => {
    if (row.problem) return [];
    try {
      const own = step === 'create' ? idempotencyKey(row.idempotencyKey) : `${row.idempotencyKey}:${step}`;
      const { id } = row.invoice ?? {};
      const asking = { ...call, idempotencyKey: own, ...(id === undefined ? {} : { invoiceId: id }) };
      const command = { ...commandOf(step, bodyOf(row, index), asking), attemptId: newAttemptId() } as StepCommand<S>;
      return [{ row, command }];
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      row.problem = error;
      return [];
    }
  });
  const commands = commanded.map(({ command }) => command);
  const outcomes = await carryOutMany(deps, step, commands, { wakes });
  for (const [index, { row, command }] of commanded.entries()) {
    const outcome = outcomes[index];
    if (!outcome) throw new TypeError('A command came back without an outcome.');
    if (outcome.kind === 'failed')
      logger.error({ err: outcome.error, step, invoiceId: command.invoiceId }, 'a row of a batch is stopped by a bug');
    note(row, step, outcome);
  }
}

function note(row: Row, step: BatchStep, outcome: ManyOutcome): void {
  switch (outcome.kind) {
    case 'refused':
      row.problem = problemOf(outcome.refusal);
      break;
    case 'failed':
      row.problem = new Problem('internal_error', 'The command could not be carried out; nothing was changed.');
      break;
    default:
      row.invoice = outcome.answer;
      if (outcome.kind === 'replayed') row.replayed.push(step);
  }
}

const toWire = ({
  idempotencyKey: own,
  invoice,
  problem,
  replayed,
}: Row): z.input<typeof answerSchema>['items'][number] => ({
  idempotencyKey: own,
  status: problem ? problemTable[problem.code].status : 201,
  replayed,
  invoice,
  problem: problem && (problemDocument(problem, PATH) as z.input<typeof anyProblemSchema>),
});
