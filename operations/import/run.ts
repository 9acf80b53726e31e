/**
 * Takes rows and sends their commands, some rows at a time, and counts what came of them.
 *
 * Always true: a row is taken only when a sender is free, so memory does not grow with the file; every row that was
 * taken is counted once, as created, replayed, refused or unfinished.
 */
import {
  type Command,
  ImportError,
  type ImportStep,
  type Row,
  type RowCommands,
  type RowRefusal,
  importSteps,
  isRefusal,
} from './rows.ts';
import { NO_ANSWER, type SendOutcome } from './send.ts';

export interface Tally {
  rows: number;
  /** Rows whose invoice is new, and rows whose invoice an earlier run had made. */
  created: number;
  replayed: number;
  refused: number;
  /** Rows cut short by an interruption. */
  unfinished: number;
  steps: Record<ImportStep, { done: number; replayed: number }>;
  /** At most REFUSALS_MAX, in the order in which they came. */
  refusals: RowRefusal[];
  ended: 'complete' | 'interrupted' | 'no_answer' | 'unreadable';
  /** Why the file could not be read further. */
  unreadable: string | null;
}

export interface RunDeps {
  read: (row: Row) => RowCommands | RowRefusal;
  send: (command: Command, invoiceId: string | undefined) => Promise<SendOutcome>;
  /** Rows under way at once. */
  concurrency: number;
  stop: AbortSignal;
  onRow: (row: Row, tally: Tally) => void;
}

const REFUSALS_MAX = 10_000;

/** Imports `rows` until they end, `stop` is aborted, the file proves unreadable, or the service seems to be gone. */
export async function runImport(deps: RunDeps, rows: AsyncIterator<Row, undefined>): Promise<Tally> {
  const tally = emptyTally();
  let unanswered = 0;
  const takeRows = async (): Promise<void> => {
    while (tally.ended === 'complete') {
      if (deps.stop.aborted) return void (tally.ended = 'interrupted');
      const row = await nextRow(rows, tally);
      if (!row) return;
      tally.rows += 1;
      const refusal = await importRow(deps, row, tally);
      unanswered = refusal?.code === NO_ANSWER ? unanswered + 1 : 0;
      // As many as are under way at once, and no answer in between: each further row would wait as long.
      if (unanswered >= deps.concurrency) tally.ended = 'no_answer';
      deps.onRow(row, tally);
    }
  };
  await Promise.all(Array.from({ length: deps.concurrency }, takeRows));
  await rows.return?.();
  return tally;
}

const emptyTally = (): Tally => ({
  rows: 0,
  created: 0,
  replayed: 0,
  refused: 0,
  unfinished: 0,
  steps: Object.fromEntries(importSteps.map((step) => [step, { done: 0, replayed: 0 }])) as Tally['steps'],
  refusals: [],
  ended: 'complete',
  unreadable: null,
});

async function nextRow(rows: AsyncIterator<Row, undefined>, tally: Tally): Promise<Row | undefined> {
  try {
    return (await rows.next()).value;
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    tally.ended = 'unreadable';
    tally.unreadable = error.message;
  }
}

/** Carries out a row as far as it goes and counts it; returns why it was refused. */
async function importRow(deps: RunDeps, row: Row, tally: Tally): Promise<RowRefusal | undefined> {
  const read = deps.read(row);
  const result = isRefusal(read) ? read : await carryOut(deps, read, tally);
  if (typeof result === 'string') {
    tally[result] += 1;
    return;
  }
  tally.refused += 1;
  if (tally.refusals.length < REFUSALS_MAX) tally.refusals.push(result);
  return result;
}

async function carryOut(
  { send }: RunDeps,
  { line, commands }: RowCommands,
  { steps }: Tally,
): Promise<'created' | 'replayed' | 'unfinished' | RowRefusal> {
  let invoiceId: string | undefined;
  let made: 'created' | 'replayed' = 'created';
  for (const command of commands) {
    const outcome = await send(command, invoiceId);
    if (outcome.kind === 'interrupted') return 'unfinished';
    if (outcome.kind === 'refused') {
      const { code, detail, errors } = outcome;
      return { line, step: command.step, code, detail, errors };
    }
    invoiceId = outcome.invoiceId;
    steps[command.step][outcome.replayed ? 'replayed' : 'done'] += 1;
    if (command.step === 'create' && outcome.replayed) made = 'replayed';
  }
  return made;
}
