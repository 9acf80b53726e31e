/** What is started again, the most urgent first: what moves events, what people wait for, then what time brings. */
import { billingRunStart } from '../../billing-runs/run.ts';
import { batchStart } from '../../dead-letters/batch.ts';
import { startOptions as deadLetterStart } from '../../dead-letters/open.ts';
import { type SendDeps, invoiceStart } from '../../invoices/send.ts';
import { type StartOptions, startAbsent } from '../../commands/start-workflows.ts';
import type { Database } from '../../platform/database.ts';
import type { DeadLetterRow } from '../../dead-letters/rows.ts';
import {
  type OpenBatch,
  type OpenRun,
  type TimedInvoice,
  countOpenBatches,
  countOpenRuns,
  countTimedInvoices,
  countUndecidedLetters,
  openBatches,
  openRuns,
  timedInvoices,
  undecidedLetters,
} from '../../commands/workflows-due.ts';
import { workflowTypes } from '../../workflows/contract.ts';

/** A workflow that should exist. */
export interface Due {
  workflowId: string;
  /** false: it runs already, and did not notice. */
  start: () => Promise<boolean>;
}

export interface Kind {
  name: string;
  count: () => Promise<number>;
  /** The next page, [] at the end. Asked again after a failure it gives the same page. */
  next: () => Promise<Due[]>;
}

export type KindsDeps = Pick<SendDeps, 'client' | 'taskQueue'> & { database: Database };

const INVOICES_PAGE = 1_000;
/** A letter holds a message, of up to a megabyte. */
const LETTERS_PAGE = 25;
const BATCHES_PAGE = 100;
const RUNS_PAGE = 100;

export const kindsOf = ({ database, client, taskQueue }: KindsDeps): Kind[] => {
  const due = (type: string, options: StartOptions): Due => ({
    workflowId: options.workflowId,
    start: () => startAbsent(client, type, options),
  });
  return [
    {
      name: 'dead letters',
      count: () => countUndecidedLetters(database),
      next: pages(
        (after: DeadLetterRow | null) => undecidedLetters(database, after, LETTERS_PAGE),
        (letter) => due(workflowTypes.deadLetter, deadLetterStart(taskQueue, letter)),
      ),
    },
    {
      name: 'batches of letters',
      count: () => countOpenBatches(database),
      next: pages(
        (after: OpenBatch | null) => openBatches(database, after, BATCHES_PAGE),
        (batch) => due(workflowTypes.deadLetterBatch, batchStart(taskQueue, batch)),
      ),
    },
    {
      name: 'billing runs',
      count: () => countOpenRuns(database),
      next: pages(
        (after: OpenRun | null) => openRuns(database, after, RUNS_PAGE),
        (run) => due(workflowTypes.billingRun, billingRunStart(taskQueue, run)),
      ),
    },
    {
      name: 'invoices',
      count: () => countTimedInvoices(database),
      next: pages(
        (after: TimedInvoice | null) => timedInvoices(database, after, INVOICES_PAGE),
        (invoice) => due(workflowTypes.invoice, invoiceStart(taskQueue, invoice)),
      ),
    },
  ];
};

/** Moves on only after a page was read. */
function pages<Row>(read: (after: Row | null) => Promise<Row[]>, dueOf: (row: Row) => Due): () => Promise<Due[]> {
  let last: Row | null = null;
  return async () => {
    const rows = await read(last);
    last = rows.at(-1) ?? last;
    return rows.map(dueOf);
  };
}
