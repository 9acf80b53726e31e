/** What the service and the workflow of an invoice agree on. */
import type { FinalStatus, HistoryAction, Status, Step, StepBodies } from '../../invoices/lifecycle.ts';
import type { Timer } from '../../invoices/timers.ts';
import type { WireInvoice } from '../../invoices/wire.ts';

export const invoiceWorkflowId = (tenantId: string, invoiceId: string): string => `invoice/${tenantId}/${invoiceId}`;

export interface InvoiceInput {
  tenantId: string;
  invoiceId: string;
}

/** The argument of an update. Staff fill in only `actor` and `body` in the Web UI. */
export interface StepRequest<S extends Step = Step> {
  actor: string;
  body: StepBodies[S];
  /** The version the caller saw, or null (absent) to act on whatever is current. */
  expectedVersion?: number | null;
  /** Set by our own senders; without it the command is staff's (workflows/identity.ts). */
  identity?: CommandIdentity;
}

export interface CommandIdentity {
  key: string;
  fingerprint: string;
  /** The update's id. */
  attemptId: string;
  acceptedAt: string;
  /** Of the span that sent the command; absent when nothing is traced. */
  traceparent?: string;
}

/** One line of an invoice's history. */
export interface HistoryEntry {
  version: number;
  action: HistoryAction;
  at: string;
  actor: string;
  status: Status;
  reason: string | null;
}

/** What a step's activity answers: the invoice as the command left it. */
export interface StepOutcome {
  invoice: WireInvoice;
  /** Null when the command had been carried out before: `invoice` is the stored answer then. */
  done: { entry: HistoryEntry; openAmountMinor: number; timers: Timer[] } | null;
}

/** What an update answers. */
export interface StepAnswer {
  /** The answer in words, for who reads it in the Web UI: of which step and invoice, and whether it is an old one. */
  summary: string;
  invoice: WireInvoice;
  replayed: boolean;
}

/** How many of the last steps an invoice's page shows. */
export const DETAILS_STEPS = 20;

/** What support sees of an invoice. */
export interface InvoiceView {
  invoice: WireInvoice;
  /** What is still to be paid, for the search attribute. */
  openAmountMinor: number;
  /** The last steps, oldest first. */
  entries: HistoryEntry[];
  /** What time still has to tell, the earliest first. */
  timers: Timer[];
}

/** The signal that makes an invoice's workflow look at Postgres again. */
export const WAKE = 'wake';
/** Who acts when a timer fires. */
export const TIME = 'time';

/** How a run of an invoice's workflow ends. */
export type InvoiceEnd = { ended: FinalStatus | 'idle' | 'abandoned' };
