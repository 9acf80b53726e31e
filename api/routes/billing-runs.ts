/** The routes of billing runs: the end of a business day, asked for over REST. */
import { calendarDate, oneLine, uuid } from '../../values/schema.ts';
import { z } from 'zod';
import { startBillingRun } from '../../billing-runs/run.ts';
import type { StartDeps } from '../../commands/workflow-kind.ts';
import { restKey } from '../../commands/key.ts';
import { businessDateError } from '../../billing-runs/business-date.ts';
import { type FieldError, invalidFields } from '../../commands/refusal.ts';
import { formatAmount } from '../../values/money.ts';
import { dayTexts } from '../../values/text.ts';
import { type BillingRun, type DryRun, billingRunOf, dryRun } from '../../billing-runs/reads.ts';
import { Problem, everyCommand, everyRead, problemOf } from '../problems.ts';
import type { Call, Reply, Route } from '../route.ts';
import { parseOrRefuse } from '../validation.ts';

export interface BillingRunDeps extends StartDeps {
  requestDeadlineMs: number;
}

const instant = z.iso.datetime();
const runSchema = z
  .strictObject({
    businessDate: calendarDate(),
    status: z.enum(['running', 'completed']),
    startedAt: instant,
    endedAt: instant.nullable(),
    finalized: z.int(),
    refused: z.int(),
    requests: z
      .array(
        z.strictObject({
          actor: z.string(),
          market: z.string().nullable(),
          region: z.string().nullable(),
          requestedAt: instant,
        }),
      )
      .meta({ description: 'What asked for the run: the first one started it, the others joined it' }),
    refusals: z
      .array(z.strictObject({ invoiceId: uuid(), code: z.string(), detail: z.string() }))
      .meta({ description: 'Drafts that were not finalized, and why; at most 1,000 are listed' }),
  })
  .meta({ id: 'BillingRun' });
const dryRunSchema = z
  .strictObject({
    businessDate: calendarDate(),
    count: z.int(),
    totals: z.array(z.strictObject({ currency: z.string(), amount: z.string() })),
    items: z
      .array(
        z.strictObject({
          id: uuid(),
          name: z.string(),
          amount: z.string(),
          currency: z.string(),
          dueDate: calendarDate(),
        }),
      )
      .meta({ description: 'The first 200, by due date' }),
  })
  .meta({ id: 'BillingDryRun' });
const requestSchema = z.strictObject({
  businessDate: calendarDate().meta({
    description: 'Drafts that are due on this day or before it are finalized; at most tomorrow (UTC)',
    example: '2026-01-31',
  }),
  market: oneLine(...dayTexts.market).nullish(),
  region: oneLine(...dayTexts.region).nullish(),
  dryRun: z.boolean().default(false).meta({ description: 'Only tells what would happen' }),
});

const byDate = z.object({ businessDate: z.string().meta({ description: 'YYYY-MM-DD' }) });

export function billingRunRoutes(deps: BillingRunDeps): Route[] {
  return [
    {
      method: 'post',
      path: '/v1/billing-runs',
      operationId: 'startBillingRun',
      summary: 'Finalize every draft that is due on a day or before it',
      description: 'One run per day: a second request for a day joins its run, also when it has ended.',
      tag: 'Billing runs',
      scope: 'billing-runs:start',
      command: { ifMatch: false },
      body: {
        schema: requestSchema,
        required: true,
        examples: { run: { businessDate: '2026-01-31' }, dryRun: { businessDate: '2026-01-31', dryRun: true } },
      },
      answers: {
        200: { description: 'With dryRun: what the run would finalize', schema: dryRunSchema },
        202: { description: 'The run, which goes on by itself', schema: runSchema, headers: ['Location'] },
      },
      problems: everyCommand,
      handle: (call) => start(deps, call),
    },
    {
      method: 'get',
      path: '/v1/billing-runs/{businessDate}',
      operationId: 'getBillingRun',
      summary: 'Read how far a billing run is, and what it refused',
      tag: 'Billing runs',
      scope: 'billing-runs:read',
      params: byDate,
      answers: { 200: { description: 'The run', schema: runSchema } },
      problems: [...everyRead, 'billing_run_not_found'],
      handle: async ({ identity: { tenantId }, params }) => {
        const date = calendarDate().safeParse(params['businessDate']);
        const run = date.success ? await billingRunOf(deps.database, { tenantId, businessDate: date.data }) : null;
        if (!run) throw new Problem('billing_run_not_found', `There is no billing run of ${params['businessDate']}.`);
        return { status: 200, body: wireRun(run) };
      },
    },
  ];
}

async function start(deps: BillingRunDeps, call: Call): Promise<Reply> {
  const wrongDay = dayError(call);
  const {
    businessDate,
    market = null,
    region = null,
    dryRun: only,
  } = parseOrRefuse(requestSchema, call.body, wrongDay);
  const { tenantId, actor } = call.identity;
  if (only) {
    if (wrongDay.length > 0) throw problemOf(invalidFields(wrongDay));
    return { status: 200, body: wireDryRun(businessDate, await dryRun(deps.database, { tenantId, businessDate })) };
  }
  const started = await startBillingRun(
    deps,
    { tenantId, businessDate, market, region, actor, requestKey: restKey(tenantId, call.idempotencyKey) },
    Date.parse(call.acceptedAt) + deps.requestDeadlineMs,
  );
  if (started.kind === 'refused') throw problemOf(started.refusal);
  return { status: 202, headers: { Location: `/v1/billing-runs/${businessDate}` }, body: wireRun(started.run) };
}

/** Told with the other faults; alone it is a rule, and comes after the key (billing-runs/run.ts). */
function dayError({ body, acceptedAt }: Call): FieldError[] {
  const date = z.looseObject({ businessDate: calendarDate() }).safeParse(body);
  const error = date.success ? businessDateError(date.data.businessDate, acceptedAt) : undefined;
  return error ? [error] : [];
}

const wireRun = (run: BillingRun): z.input<typeof runSchema> => ({
  ...run,
  status: run.endedAt === null ? 'running' : 'completed',
});

const wireDryRun = (businessDate: string, { count, totals, items }: DryRun): z.input<typeof dryRunSchema> => ({
  businessDate,
  count,
  totals: totals.map(({ currency, amountMinor }) => ({ currency, amount: formatAmount(amountMinor, currency) })),
  items: items.map(({ id, name, currency, amountMinor, dueDate }) => ({
    id,
    name,
    currency,
    amount: formatAmount(amountMinor, currency),
    dueDate: dueDate.toISOString().slice(0, 10),
  })),
});
