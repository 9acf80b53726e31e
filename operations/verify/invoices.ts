/**
 * Each invoice against what else is known of it: its payments, its cashier's, its history, its events, its timers.
 * What must hold is one table below.
 */
import { z } from 'zod';
import { ABANDON } from '../../commands/abandon.ts';
import { toInvoice } from '../../invoices/entity.ts';
import {
  type Action,
  type Invoice,
  type Status,
  actions,
  isStep,
  isTimedStep,
  stepOf,
} from '../../invoices/lifecycle.ts';
import { timersOf } from '../../invoices/timers.ts';
import { eventType, streamPlace, topicOf } from '../../messaging/cloud-event.ts';
import type { Database, TransactionClient } from '../../platform/database.ts';
import { eventVersionsOf, invoiceEvents } from '../../invoices/events.ts';
import type { EventDefinition } from '../../messaging/event.ts';
import { eventWithheld } from '../../messaging/event-withheld.ts';
import { queryRows } from '../../platform/rows.ts';
import { type Sql, sql } from '../../platform/sql.ts';
import {
  type Check,
  type EntityKey,
  NO_KEY,
  PAGE,
  type Tally,
  entityKey,
  groupBy,
  keyOf,
  ofTenants,
  pages,
  parsedObject,
  snapshot,
  wantedKeys,
} from './check.ts';

const invoiceRow = z.looseObject({ ...entityKey.shape, next_timer_at: z.date().nullable() });
type InvoiceWithTimer = z.infer<typeof invoiceRow>;

const paymentRow = entityKey.extend({
  payment_id: z.string(),
  amount_minor: z.bigint(),
  currency: z.string(),
  /** Of the same payment in the payments of the cashier; null when it is not there. */
  cashier_id: z.string().nullable(),
  agrees: z.boolean().nullable(),
});
type PaymentRow = z.infer<typeof paymentRow>;

/** Of the history, without the attempts that were stopped: they change nothing (operations/verify/audit.ts). */
const entryRow = entityKey.extend({
  version: z.int(),
  // Any text: what they should be is for the rules to say.
  action: z.string(),
  status: z.string(),
  at: z.date(),
});
type EntryRow = z.infer<typeof entryRow>;

const eventRow = z.object({ stream: z.string(), type: z.string(), value: z.string() });
type EventRow = z.infer<typeof eventRow>;

const prunedRow = z.object({ stream: z.string(), pruned_through: z.bigint() });

/** All that is known of one invoice. */
interface Evidence {
  invoice: Invoice;
  nextTimerAt: string | null;
  payments: readonly PaymentRow[];
  /** What has changed its version. */
  steps: readonly EntryRow[];
  /** What time has told. */
  timed: readonly EntryRow[];
  /** Both, in their order. */
  history: readonly EntryRow[];
  /** On its public stream; one that was withheld counts under its own type, one that was pruned under its entry's. */
  events: readonly { type: string; data: Record<string, unknown>; withheld: boolean }[];
  /** The types of those on its internal stream. */
  internal: readonly string[];
}

export const invoices: Check = {
  name: 'invoices',
  run: async (world, tally) => {
    const read = (after: InvoiceWithTimer | null) => {
      const { tenant_id: tenantId, id } = after ?? NO_KEY;
      const which = sql`${ofTenants(world, sql`tenant_id`)} AND (tenant_id, id) > (${tenantId}::uuid, ${id}::uuid)`;
      return check(world.database, which, world.environment, tally);
    };
    for await (const rows of pages(read)) tally.saw('invoices', rows.length);
  },
};

/** The same for the invoices that are named, at most a page of them. */
export const checkInvoices = (
  database: Database,
  keys: readonly EntityKey[],
  environment: string,
  tally: Tally,
): Promise<unknown> => check(database, sql`(tenant_id, id) IN (SELECT * FROM ${wantedKeys(keys)})`, environment, tally);

async function check(database: Database, which: Sql, environment: string, tally: Tally): Promise<InvoiceWithTimer[]> {
  const { rows, evidence } = await snapshot(database, (tx) => readEvidence(tx, which, environment));
  for (const one of evidence) {
    tally.saw('payments', one.payments.length);
    for (const rule of Object.values(rules)) {
      const problem = rule(one);
      if (problem) tally.found(one.invoice.id, problem);
    }
  }
  return rows;
}

async function readEvidence(tx: TransactionClient, which: Sql, environment: string) {
  const rows = await queryRows(tx, invoiceRow)`
    SELECT * FROM invoices WHERE ${which} ORDER BY tenant_id, id LIMIT ${PAGE}`;
  const payments = await queryRows(tx, paymentRow)`
    SELECT p.tenant_id, p.invoice_id AS id, p.id AS payment_id, p.amount_minor, p.currency, c.cashier_id,
           (c.invoice_id, c.amount_minor, c.currency, c.method, c.reference, c.received_at, c.recorded_at)
             = (p.invoice_id, p.amount_minor, p.currency, p.method, p.reference, p.received_at, p.recorded_at)
             AS agrees
    FROM ${wantedKeys(rows)}
    JOIN payments p ON p.tenant_id = wanted.tenant_id AND p.invoice_id = wanted.id
    LEFT JOIN cashier_payments c ON c.tenant_id = p.tenant_id AND c.payment_id = p.id`;
  const entries = await queryRows(tx, entryRow)`
    SELECT a.tenant_id, a.entity_id AS id, a.version, a.action, a.status, a.at
    FROM ${wantedKeys(rows)}
    JOIN audit_entries a ON a.tenant_id = wanted.tenant_id AND a.entity_type = 'invoice' AND a.entity_id = wanted.id
      AND a.action <> ${ABANDON}
    ORDER BY a.tenant_id, a.entity_id, a.sequence`;
  const version = await versionThatTellsAll(tx, environment);
  const publicStream = (row: EntityKey) => streamOf(version, row, environment);
  const internalStream = (row: EntityKey) => streamOf(invoiceGenerated, row, environment);
  const wanted = rows.flatMap((row) => [publicStream(row), internalStream(row)]);
  const events = await queryRows(tx, eventRow)`
    SELECT stream, type, value FROM outbox_events
    WHERE stream = ANY(${wanted}::text[])
    ORDER BY stream, sequence`;
  const begun = await queryRows(tx, prunedRow)`
    SELECT stream, pruned_through FROM streams WHERE stream = ANY(${wanted}::text[]) AND pruned_through > 0`;
  const prunedOf = new Map(begun.map(({ stream, pruned_through: through }) => [stream, Number(through)]));
  const paymentsOf = groupBy(payments, keyOf);
  const entriesOf = groupBy(entries, keyOf);
  const eventsOf = groupBy(events, ({ stream }) => stream);
  const evidence = rows.map((row): Evidence => {
    const history = entriesOf.get(keyOf(row)) ?? [];
    return {
      invoice: toInvoice(row),
      nextTimerAt: row.next_timer_at?.toISOString() ?? null,
      payments: paymentsOf.get(keyOf(row)) ?? [],
      steps: history.filter(({ action }) => !isTimedStep(action)),
      timed: history.filter(({ action }) => isTimedStep(action)),
      history,
      events: [
        ...history.slice(0, prunedOf.get(publicStream(row)) ?? 0).map(pruned),
        ...(eventsOf.get(publicStream(row)) ?? []).map(readEvent),
      ],
      internal: [
        ...Array.from({ length: prunedOf.get(internalStream(row)) ?? 0 }, () => GENERATED),
        ...(eventsOf.get(internalStream(row)) ?? []).map((event) => readEvent(event).type),
      ],
    };
  });
  return { rows, evidence };
}

const invoiceGenerated = generated();

function generated(): EventDefinition {
  const found = invoiceEvents.find(({ name }) => name === 'InvoiceGenerated');
  if (!found) throw new TypeError('There is no event InvoiceGenerated.');
  return found;
}

const streamOf = (event: EventDefinition, { tenant_id: tenantId, id: invoiceId }: EntityKey, environment: string) =>
  streamPlace(event, { tenantId, invoiceId }, environment).stream;

const closedRow = z.object({ topic: z.string() });

/** The versions of the first event of an invoice, of which one topic has all that is told: the first that is open. */
async function versionThatTellsAll(tx: TransactionClient, environment: string): Promise<EventDefinition> {
  const rows = await queryRows(tx, closedRow)`SELECT topic FROM event_versions WHERE stage = 'closed'`;
  const closed = new Set(rows.map(({ topic }) => topic));
  const open = eventVersionsOf('create').find((event) => !closed.has(topicOf(event, environment)));
  if (!open) throw new TypeError('Every version of the events of an invoice is closed.');
  return open;
}

/** The one event that tells of an entry of the history. */
const eventOfAction = new Map<string, string>(actions.map((action) => [action, typeOf(action)]));
/** Of every version, the type of the first one. */
const firstTypes = new Map<string, string>(
  actions.flatMap((action) => eventVersionsOf(action).map((event) => [eventType(event), typeOf(action)] as const)),
);
function typeOf(action: Action): string {
  const [first] = eventVersionsOf(action);
  if (!first) throw new TypeError(`Nothing is told of ${action}.`);
  return eventType(first);
}
const GENERATED = eventType(invoiceGenerated);
/** A timer that is late by more was not carried out; after a long outage they come one after the other. */
const TIMER_LATE_MS = 60 * 60_000;

const WITHHELD = eventType(eventWithheld);
const OVERDUE = eventOfAction.get('overdue');
const REMINDER = eventOfAction.get('remind');

function readEvent({ type, value }: EventRow): Evidence['events'][number] {
  const data = parsedObject(value) ?? {};
  const isWithheld = type === WITHHELD;
  const told = isWithheld ? String(data['withheldType']) : type;
  return { type: firstTypes.get(told) ?? told, data, withheld: isWithheld };
}

/** What was deleted by retention was what its entry tells; what it said is not known any more. */
const pruned = ({ action }: EntryRow): Evidence['events'][number] => ({
  type: eventOfAction.get(action) ?? action,
  data: {},
  withheld: true,
});

const leadsTo = (action: string, status: Status): boolean => isStep(action) && stepOf(action).to.includes(status);

type Rule = (evidence: Evidence) => string | undefined;

/** Each says what is wrong, or nothing. */
const rules = {
  paidMeansPaid: ({ invoice: { status, amountMinor, amountPaidMinor, currency }, payments }) => {
    const sum = payments.reduce((total, payment) => total + payment.amount_minor, 0n);
    const expected = status === 'paid' ? BigInt(amountMinor) : 0n;
    const foreign = payments.find((payment) => payment.currency !== currency);
    if (foreign) return `is in ${currency}, its payment ${foreign.payment_id} in ${foreign.currency}`;
    return sum === expected && BigInt(amountPaidMinor) === expected
      ? undefined
      : `is ${status} with an amount of ${amountMinor}; its payments are ${sum}, its amount paid is ${amountPaidMinor}`;
  },
  cashierHasThePayment: ({ invoice: { cashierId }, payments }) => {
    const wrong = payments.find((payment) => payment.cashier_id !== cashierId || payment.agrees === false);
    if (!wrong) return undefined;
    return wrong.cashier_id === cashierId
      ? `its payment ${wrong.payment_id} is another one in the payments of its cashier`
      : `its cashier is ${cashierId ?? 'nobody'}, its payment ${wrong.payment_id} is with ${wrong.cashier_id ?? 'nobody'}`;
  },
  statusIsTheLastStep: ({ invoice: { status }, steps }) => {
    const last = steps.at(-1);
    if (!last) return 'has no history';
    return leadsTo(last.action, status) && status === last.status
      ? undefined
      : `is ${status}, the last step of its history is ${last.action} (${last.status})`;
  },
  oneStepAVersion: ({ invoice: { version }, steps }) => {
    const versions = steps.map((step) => step.version);
    return versions.length === version && versions.every((one, index) => one === index + 1)
      ? undefined
      : `is at version ${version}, its history has the versions ${versions.join(', ')}`;
  },
  lastEventShowsIt: ({ invoice: { status, version }, events }) => {
    const last = events.at(-1);
    if (!last) return 'has no event on its public stream';
    if (last.withheld) return undefined;
    const shown = last.data['invoice'] as Partial<Record<'status' | 'version', unknown>> | undefined;
    return shown?.status === status && shown.version === version
      ? undefined
      : `is ${status} at version ${version}, its last event says ${String(shown?.status)} at version ${String(shown?.version)}`;
  },
  oneEventAnEntry: ({ history, events }) => {
    const expected = history.map(({ action }) => eventOfAction.get(action) ?? action);
    const types = events.map(({ type }) => type);
    return String(types) === String(expected)
      ? undefined
      : `its history has ${expected.join(', ') || 'nothing'}, its public stream ${types.join(', ') || 'nothing'}`;
  },
  generatedOnce: ({ internal }) =>
    String(internal) === GENERATED ? undefined : `its internal stream has ${internal.join(', ') || 'nothing'}`,
  overdueRecordedOnce: ({ invoice: { overdueToldAt }, timed, events }) => {
    const entries = timed.filter(({ action }) => action === 'overdue').map(({ at }) => at.toISOString());
    const count = events.filter(({ type }) => type === OVERDUE).length;
    return String(entries) === String(overdueToldAt ?? []) && count === entries.length
      ? undefined
      : `overdue was told at ${overdueToldAt ?? 'no time'}; its history says ${entries.join(', ') || 'never'}, and ${count} events do`;
  },
  remindersRecordedOnce: ({ invoice: { remindersSent }, timed, events }) => {
    const entries = timed.filter(({ action }) => action === 'remind').length;
    const sent = events.filter(({ type }) => type === REMINDER);
    const last = sent.at(-1);
    const number = last && !last.withheld ? last.data['reminder'] : remindersSent;
    return sent.length === entries && number === remindersSent && entries > 0 === remindersSent > 0
      ? undefined
      : `${remindersSent} is its last reminder; its history has ${entries} of them, and ${sent.length} events up to ${String(number)}`;
  },
  timerHasRung: ({ nextTimerAt }) =>
    nextTimerAt === null || Date.parse(nextTimerAt) > Date.now() - TIMER_LATE_MS
      ? undefined
      : `its timer of ${nextTimerAt} was not carried out`,
  timerIsTheNext: ({ invoice, nextTimerAt }) => {
    const expected = timersOf(invoice)[0]?.at ?? null;
    return nextTimerAt === expected
      ? undefined
      : `its next timer is at ${nextTimerAt ?? 'no time'}, it should be at ${expected ?? 'no time'}`;
  },
} as const satisfies Record<string, Rule>;
