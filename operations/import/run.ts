/**
 * Takes rows and sends their commands, and counts what came of them: the invoices of many rows are made in one request,
 * what follows is sent for some rows at a time.
 *
 * Always true: at most one batch of rows is in memory; every row that was taken is counted once, as created, replayed,
 * refused or unfinished.
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
import { NO_ANSWER, type RowOutcome, type SendOutcome } from './send.ts';

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
  ended: 'complete' | 'interrupted' | 'no_answer' | 'not_allowed' | 'unreadable';
  /** Why the file could not be read further. */
  unreadable: string | null;
}

export interface RunDeps {
  read: (row: Row) => RowCommands | RowRefusal;
  /** Makes the invoices of these rows, and finalizes them where asked. */
  sendBatch: (rows: readonly RowCommands[]) => Promise<RowOutcome[]>;
  send: (command: Command, invoiceId: string) => Promise<SendOutcome>;
  /** Rows at once of what follows. */
  concurrency: number;
  stop: AbortSignal;
  onRow: (row: Row, tally: Tally) => void;
}

/** Of one request, and what the service takes. */
const BATCH_ROWS_MAX = 500;
const BATCH_BYTES_MAX = 512 * 1024;

interface Taken {
  row: Row;
  commands: RowCommands;
}

const REFUSALS_MAX = 10_000;

/** Imports `rows` until they end, `stop` is aborted, the file proves unreadable, or the service seems to be gone. */
export async function runImport(deps: RunDeps, rows: AsyncIterator<Row, undefined>): Promise<Tally> {
  const tally = emptyTally();
  let next: Taken | undefined;
  do {
    if (deps.stop.aborted) tally.ended = 'interrupted';
    else {
      const { batch, beginning } = await takeBatch(deps, rows, tally, next);
      next = beginning;
      await importBatch(deps, batch, tally);
    }
  } while (next !== undefined && tally.ended === 'complete');
  if (next) count(tally, 'unfinished');
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

/**
 * The next rows of one request, and the first one that is not of it: there are enough, or its key is another row's.
 * What is refused while it is read is counted.
 */
async function takeBatch(
  deps: RunDeps,
  rows: AsyncIterator<Row, undefined>,
  tally: Tally,
  first: Taken | undefined,
): Promise<{ batch: Taken[]; beginning: Taken | undefined }> {
  const batch = first ? [first] : [];
  const keys = new Set(batch.map(({ commands }) => commands.commands[0].key));
  let bytes = first ? bytesOf(first) : 0;
  for (;;) {
    const taken = await takeRow(deps, rows, tally);
    if (!taken) return { batch, beginning: undefined };
    const { key } = taken.commands.commands[0];
    bytes += bytesOf(taken);
    if (batch.length >= BATCH_ROWS_MAX || bytes > BATCH_BYTES_MAX || keys.has(key)) return { batch, beginning: taken };
    batch.push(taken);
    keys.add(key);
  }
}

const bytesOf = ({ commands: { commands } }: Taken): number => Buffer.byteLength(JSON.stringify(commands[0]));

/** The next row that can be sent; undefined at the end, and when nothing more is to be read. */
async function takeRow(deps: RunDeps, rows: AsyncIterator<Row, undefined>, tally: Tally): Promise<Taken | undefined> {
  while (!deps.stop.aborted) {
    const row = await nextRow(rows, tally);
    if (!row) return;
    tally.rows += 1;
    const commands = deps.read(row);
    if (!isRefusal(commands)) return { row, commands };
    count(tally, commands);
    deps.onRow(row, tally);
  }
  tally.ended = 'interrupted';
}

/** Carries out the rows of a batch as far as they go, and counts them. */
async function importBatch(deps: RunDeps, batch: readonly Taken[], tally: Tally): Promise<void> {
  if (batch.length === 0) return;
  const outcomes = await deps.sendBatch(batch.map(({ commands }) => commands));
  const left = batch.entries();
  let unanswered = 0;
  const takeNext = async (): Promise<void> => {
    for (const [index, { row, commands }] of left) {
      const outcome = outcomes[index] ?? { kind: 'interrupted' };
      const isOver = unanswered >= deps.concurrency || tally.ended === 'not_allowed';
      const result = isOver ? 'unfinished' : await carryOut(deps, commands, outcome, tally);
      count(tally, result);
      if (result !== 'unfinished') unanswered = isUnanswered(result) ? unanswered + 1 : 0;
      // As many as are under way at once: each further row would wait as long.
      if (unanswered >= deps.concurrency && tally.ended === 'complete') tally.ended = 'no_answer';
      if (isNotAllowed(result)) tally.ended = 'not_allowed';
      deps.onRow(row, tally);
    }
  };
  await Promise.all(Array.from({ length: deps.concurrency }, takeNext));
}

/** What is wrong is not the row: every other one would be told the same. */
const NOT_ALLOWED = new Set([
  'unauthenticated',
  'invalid_token',
  'insufficient_scope',
  'tenant_not_allowed',
  'tenant_required',
]);
const isNotAllowed = (result: string | RowRefusal): boolean =>
  typeof result !== 'string' && NOT_ALLOWED.has(result.code);

const isUnanswered = (result: string | RowRefusal): boolean => typeof result !== 'string' && result.code === NO_ANSWER;

function count(tally: Tally, result: 'created' | 'replayed' | 'unfinished' | RowRefusal): void {
  if (typeof result === 'string') {
    tally[result] += 1;
    return;
  }
  tally.refused += 1;
  if (tally.refusals.length < REFUSALS_MAX) tally.refusals.push(result);
}

/** What follows in a row whose batch was answered, as far as it goes. */
async function carryOut(
  { send }: RunDeps,
  { line, commands }: RowCommands,
  begun: RowOutcome,
  { steps }: Tally,
): Promise<'created' | 'replayed' | 'unfinished' | RowRefusal> {
  if (begun.kind === 'interrupted') return 'unfinished';
  if (begun.kind === 'refused') {
    const { step, code, detail, errors, replayed } = begun;
    if (step !== 'create') steps.create[replayed.includes('create') ? 'replayed' : 'done'] += 1;
    return { line, step, code, detail, errors };
  }
  const { invoiceId, replayed } = begun;
  for (const { step, ...command } of commands) {
    if (isBatched(step)) {
      steps[step][replayed.includes(step) ? 'replayed' : 'done'] += 1;
      continue;
    }
    const outcome = await send({ step, ...command }, invoiceId);
    if (outcome.kind === 'interrupted') return 'unfinished';
    if (outcome.kind === 'refused') {
      const { code, detail, errors } = outcome;
      return { line, step, code, detail, errors };
    }
    steps[step][outcome.replayed ? 'replayed' : 'done'] += 1;
  }
  return replayed.includes('create') ? 'replayed' : 'created';
}

const isBatched = (step: ImportStep): boolean => step === 'create' || step === 'finalize';
