/** The command of each step, as the transaction carries it out: derived from the step's definition. */
import { z } from 'zod';
import { type Refusal, invalidFields } from '../commands/refusal.ts';
import { STAFF } from '../commands/staff-key.ts';
import { parseStaffBody } from './staff-body.ts';
import type { CommandDefinition } from '../commands/command.ts';
import { acceptedCurrencies, acceptsCurrency } from '../cashiers/index.ts';
import { type Database, type TransactionClient, prepared } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';
import { invoiceEntity } from './entity.ts';
import { eventsOf } from './events.ts';
import { decide } from './invoice.ts';
import {
  type Action,
  type Invoice,
  type Step,
  type StepBodies,
  type StepCommand,
  isTimedStep,
  steps,
} from './lifecycle.ts';
import { formatInvoiceNumber } from './number.ts';
import { paymentWithReference } from './payment-with-reference.ts';
import type { LookupPort, Lookups, StepDefinition } from './step.ts';
import { type WireInvoice, toWire } from './wire.ts';

export type StepCommandDefinition<S extends Action> = CommandDefinition<Invoice, StepCommand<S>, Lookups, WireInvoice>;

export interface StepSettings {
  /** For tests: overdue begins so long after finalizing. */
  overdueAfterMs: number | undefined;
}

/** The command of a step. */
export function commandOf<S extends Action>(step: S, settings: StepSettings): StepCommandDefinition<S> {
  const definition: Partial<Pick<StepDefinition, 'lookUp' | 'completes' | 'rows'>> = isTimedStep(step)
    ? {}
    : (steps[step as Exclude<S, 'overdue' | 'remind'>] as object);
  const { lookUp, completes, rows } = definition;
  return {
    entity: invoiceEntity,
    step,
    entityId: ({ invoiceId }) => invoiceId,
    ...(isTimedStep(step) ? {} : { parse: (command, state) => parsed(step, command, state) }),
    ...(lookUp
      ? { lookUp: (tx, command, state) => lookUp(command, state, portOf(tx, command.tenantId, settings)) }
      : {}),
    decide: (state, command, lookups) => decide(state, { step, ...command }, lookups),
    ...(completes === 'number' ? { complete: drawNumbers } : {}),
    answer: (invoice, { acceptedAt }) => toWire(invoice, acceptedAt),
    events: eventsOf(step),
    ...(rows ? { rows } : {}),
  };
}

/** Only staff's bodies were not parsed at an edge. */
function parsed<C extends StepCommand>(step: Step, command: C, invoice: Invoice | null): C | { refusal: Refusal } {
  if (!command.key.startsWith(STAFF)) return command;
  const body = parseStaffBody(step, command, invoice);
  return 'errors' in body ? { refusal: invalidFields(body.errors) } : { ...command, body: body.data };
}

/**
 * What a decision needs beside the invoice, outside of a transaction: for what is refused whatever happens meanwhile.
 */
export const lookUpFor = async <S extends Step>(
  database: Database,
  { step, tenantId, body }: { step: S; tenantId: string; body: StepBodies[S] },
  invoice: Invoice,
): Promise<Lookups> => {
  const { lookUp } = steps[step] as unknown as Pick<StepDefinition, 'lookUp'>;
  return (await lookUp?.({ body }, invoice, portOf(database, tenantId, { overdueAfterMs: undefined }))) ?? {};
};

const portOf = (tx: Database | TransactionClient, tenantId: string, { overdueAfterMs }: StepSettings): LookupPort => ({
  paymentWithReference: (reference) => paymentWithReference(tx, tenantId, reference),
  cashier: async (id) => {
    const accepted = await acceptedCurrencies(tx, tenantId, id);
    return accepted && { accepts: (currency, day) => acceptsCurrency(accepted, currency, day) };
  },
  overdueAfterMs,
});

const numberRow = z.object({ last_number: z.int() });

/**
 * Finalizing draws the public numbers, and keeps the counter locked: gap-free per tenant and year (INV-21).
 * All commands are of one tenant and one year.
 */
async function drawNumbers(
  tx: TransactionClient,
  invoices: readonly Invoice[],
  [command]: readonly { tenantId: string; acceptedAt: string }[],
): Promise<Invoice[]> {
  if (!command) return [];
  const year = new Date(command.acceptedAt).getUTCFullYear();
  const [row] = await queryRows(tx, numberRow)`
    INSERT ${prepared} INTO invoice_numbers (tenant_id, year, last_number)
    VALUES (${command.tenantId}::uuid, ${year}, ${invoices.length})
    ON CONFLICT (tenant_id, year) DO UPDATE SET last_number = invoice_numbers.last_number + excluded.last_number
    RETURNING last_number`;
  if (!row) throw new TypeError('The number counter returned no row.');
  const before = row.last_number - invoices.length;
  return invoices.map((invoice, index) => ({ ...invoice, number: formatInvoiceNumber(year, before + index + 1) }));
}
