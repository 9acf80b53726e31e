/** Invoices from their events. */
import { stringify } from 'safe-stable-stringify';
import { z } from 'zod';
import type { AnyCommandDefinition } from '../../commands/command.ts';
import type { EntityDefinition } from '../../commands/entity.ts';
import { commandOf } from '../../invoices/commands.ts';
import { overdueBegins } from '../../invoices/due.ts';
import { invoiceEntity } from '../../invoices/entity.ts';
import { eventVersionsOf } from '../../invoices/events.ts';
import { minorUnitsOf } from '../../invoices/fields.ts';
import { type Action, type Invoice, actions, isTimedStep } from '../../invoices/lifecycle.ts';
import { paymentSchema } from '../../invoices/payment.ts';
import { invoice2Schema } from '../../invoices/versions.ts';
import { invoiceSchema, toWire, type WireInvoice } from '../../invoices/wire.ts';
import { eventType } from '../../messaging/cloud-event.ts';
import { type ReadStep, type RecoverableKind, type RecoverableStep, Unreadable } from './kind.ts';
import type { LostEvent } from './lost.ts';

/** What the versions of an event tell alike. */
const eventData = z.object({
  tenantId: z.string(),
  invoice: z.union([
    invoiceSchema,
    invoice2Schema.transform(({ amountOpen: _open, paymentStatus: _paid, ...invoice }): WireInvoice => invoice),
  ]),
  payment: paymentSchema().optional(),
  reason: z.string().optional(),
  reminder: z.int().optional(),
});
type EventData = z.infer<typeof eventData>;

/** What the wire does not show; the steps that set it are named. */
const hiddenAfter = (action: Action, before: Invoice | null, { invoice, reminder }: EventData, at: string) => ({
  overdueAt: action === 'finalize' && invoice.dueDate ? overdueBegins(invoice.dueDate) : (before?.overdueAt ?? null),
  overdueToldAt: action === 'overdue' ? at : (before?.overdueToldAt ?? null),
  remindersSent: reminder ?? before?.remindersSent ?? 0,
});

function stateOf(action: Action, before: Invoice | null, data: EventData, at: string): Invoice {
  const { overdue: _, amount, amountPaid, ...same } = data.invoice;
  const { currency } = same;
  return {
    ...same,
    tenantId: data.tenantId,
    amountMinor: minorUnitsOf({ amount, currency }),
    amountPaidMinor: minorPaid(amountPaid, currency),
    ...hiddenAfter(action, before, data, at),
  };
}

/** Nothing paid is no amount that anybody could send. */
const minorPaid = (amount: string, currency: string): number =>
  /^[0.]+$/.test(amount) ? 0 : minorUnitsOf({ amount, currency });

/** What the command carried, as far as its rows and answer need it. */
function bodyOf({ payment, reason, reminder }: EventData): object {
  if (payment) {
    const { amount, ...others } = payment;
    return { ...others, amountMinor: minorUnitsOf({ amount, currency: payment.currency }) };
  }
  return { ...(reason === undefined ? {} : { reason }), ...(reminder === undefined ? {} : { number: reminder }) };
}

function read(action: Action, before: Invoice | null, data: unknown, { time }: LostEvent): ReadStep {
  const parsed = eventData.safeParse(data);
  if (!parsed.success) throw new Unreadable(`is no event of today's version: ${z.prettifyError(parsed.error)}`);
  const { invoice } = parsed.data;
  if ((action === 'create') !== (before === null))
    throw new Unreadable(before ? 'was drafted before' : 'is not in Postgres, and was not drafted since the backup');
  const expected = (before?.version ?? 0) + (isTimedStep(action) ? 0 : 1);
  if (invoice.version !== expected) throw new Unreadable(`is at version ${invoice.version}, ${expected} was expected`);
  const acceptedAt = isTimedStep(action) ? time : invoice.updatedAt;
  const state = stateOf(action, before, parsed.data, acceptedAt);
  if (visible(toWire(state, acceptedAt)) !== visible(invoice)) throw new Unreadable('cannot be read back as it was');
  return { state, body: bodyOf(parsed.data), acceptedAt, reason: parsed.data.reason ?? null };
}

/** Whether it is overdue depends on the instant at which it is seen. */
const visible = (invoice: WireInvoice): string => stringify({ ...invoice, overdue: false }) ?? '';

function stepsOf(action: Action): [string, RecoverableStep][] {
  const step: RecoverableStep = {
    definition: commandOf(action, { overdueAfterMs: undefined }) as unknown as AnyCommandDefinition,
    read: (before, data, event) => read(action, before as Invoice | null, data, event),
  };
  return eventVersionsOf(action).map((event) => [eventType(event), step]);
}

export const recoverableInvoices: RecoverableKind = {
  entity: invoiceEntity as unknown as EntityDefinition,
  steps: new Map(actions.flatMap(stepsOf)),
  idName: 'invoiceId',
  wakes: true,
};
