/**
 * What a row of the file asks for: the commands for one invoice. Pure; nothing is sent from here.
 *
 * Always true: the same row gives the same commands with the same keys, so an import that runs again changes nothing.
 * The fields are passed on as they are: whether an amount or a date is valid is for the service to say.
 */
import { createHash } from 'node:crypto';
import type { FieldError } from '../../commands/refusal.ts';
import type { Step } from '../../invoices/lifecycle.ts';

export interface Row {
  /** Of the file, counted from 1: the line on which the row begins. */
  line: number;
  cells: readonly string[];
  /** Of the file, read up to the end of this row. */
  bytes: number;
}

export const fields = [
  'number',
  'name',
  'amount',
  'currency',
  'customerReference',
  'dueDate',
  'disputed',
  'settled',
] as const;
export type Field = (typeof fields)[number];

/** How the file is to be read: the header of each mapped field, and which steps follow the create. */
export interface Mapping {
  columns: Partial<Record<Field, string>>;
  /** Of rows that name none. */
  currency: string | undefined;
  finalize: boolean;
  settle: boolean;
}

export const importSteps = ['create', 'finalize', 'pay', 'cancel'] as const satisfies readonly Step[];
export type ImportStep = (typeof importSteps)[number];

/** A body is what the file says: whether it is right is for the service to say. */
export interface Command {
  step: ImportStep;
  key: string;
  body: Readonly<Record<string, unknown>>;
}

/** The commands of one row, in order; the first is the create. */
export interface RowCommands {
  line: number;
  commands: readonly [Command, ...Command[]];
}

/** Why a row was not imported, or not to its end. */
export interface RowRefusal {
  line: number;
  /** `read`: refused here, nothing was sent. */
  step: ImportStep | 'read';
  code: string;
  detail: string;
  errors: readonly FieldError[];
}

/** The file or the arguments are wrong as a whole: nothing can be imported. The message is for people. */
export class ImportError extends Error {}

export const isRefusal = (read: RowCommands | RowRefusal): read is RowRefusal => 'code' in read;

/**
 * Plans the rows of one file.
 * @throws ImportError when a mapped header or a needed field is missing
 */
export function createRowReader(headers: readonly string[], mapping: Mapping): (row: Row) => RowCommands | RowRefusal {
  const positions = locate(headers, mapping);
  const differsFromEarlier = createMemory();
  return ({ line, cells }) => {
    if (cells.length !== headers.length) {
      return refused(line, 'cell_count', `The row has ${cells.length} cells, the header has ${headers.length}.`);
    }
    const cell = cellIn(cells, positions);
    const number = cell('number');
    if (!number) return refused(line, 'number_missing', 'The row has no invoice number.');
    const commands = commandsOf(number, cell, mapping);
    const earlier = differsFromEarlier(number, line, commands);
    if (earlier !== undefined) {
      return refused(line, 'number_repeated', `${number} is on line ${earlier} with other contents.`);
    }
    return { line, commands };
  };
}

const refused = (line: number, code: string, detail: string): RowRefusal => ({
  line,
  step: 'read',
  code,
  detail,
  errors: [],
});

type Positions = ReadonlyMap<Field, number>;
/** The text of a field's cell; undefined when the file has no such column. */
type Cell = (field: Field) => string | undefined;

const cellIn =
  (cells: readonly string[], positions: Positions): Cell =>
  (field) => {
    const position = positions.get(field);
    return position === undefined ? undefined : cells[position];
  };

/** Where each field stands in a row. A field that is not mapped is found under its own name. */
function locate(headers: readonly string[], mapping: Mapping): Positions {
  const found = `The file has: ${headers.join(', ')}.`;
  const positions = new Map<Field, number>();
  for (const field of fields) {
    const header = mapping.columns[field] ?? field;
    const position = headers.indexOf(header);
    if (position >= 0) positions.set(field, position);
    else if (mapping.columns[field] !== undefined) {
      throw new ImportError(`There is no column "${header}" for ${field}. ${found}`);
    }
    if (position !== headers.lastIndexOf(header)) throw new ImportError(`The column "${header}" is there twice.`);
  }
  for (const field of ['number', 'amount'] as const) {
    if (!positions.has(field)) throw new ImportError(`Name the column of ${field}: --column ${field}=Header. ${found}`);
  }
  if (!positions.has('currency') && mapping.currency === undefined) {
    throw new ImportError(`The file has no currency: give --currency CODE or --column currency=Header. ${found}`);
  }
  if (mapping.settle && !positions.has('settled') && !positions.has('disputed')) {
    throw new ImportError(`--settle needs a column for settled or disputed. ${found}`);
  }
  return positions;
}

function commandsOf(number: string, cell: Cell, mapping: Mapping): RowCommands['commands'] {
  const key = `import:${visibleAscii(number)}`;
  const body = createBody(number, cell, mapping);
  const commands: [Command, ...Command[]] = [{ step: 'create', key, body }];
  if (mapping.finalize || mapping.settle) commands.push({ step: 'finalize', key: `${key}:finalize`, body: {} });
  if (!mapping.settle) return commands;
  if (isYes(cell('disputed'))) {
    commands.push({ step: 'cancel', key: `${key}:cancel`, body: { reason: 'disputed' } });
  } else if (isSettled(cell('settled'))) {
    const { amount, currency } = body;
    const payment = { amount, currency, method: 'bank transfer', reference: `IMPORT-${number}` };
    commands.push({ step: 'pay', key: `${key}:pay`, body: payment });
  }
  return commands;
}

function createBody(number: string, cell: Cell, mapping: Mapping): Command['body'] {
  const customerReference = cell('customerReference');
  const dueDate = cell('dueDate');
  return {
    name: cell('name') ?? `Invoice ${number}`,
    amount: cell('amount') ?? '',
    currency: cell('currency') || (mapping.currency ?? ''),
    ...(customerReference ? { customerReference } : {}),
    ...(dueDate ? { dueDate } : {}),
  };
}

const isYes = (text: string | undefined): boolean => /^(?:yes|true|1)$/i.test(text ?? '');

/** Yes, or the date on which it was; what says no is not settled. */
const isSettled = (text: string | undefined): boolean => Boolean(text) && !/^(?:no|false|0)$/i.test(text ?? '');

/** An Idempotency-Key holds only visible ASCII; `%` is escaped as well, so that two numbers never give one key. */
const visibleAscii = (text: string): string => text.replaceAll(/[^\x21-\x7e]|%/gu, encodeURIComponent);

/**
 * Numbers remembered, so that memory has a limit (about 150 bytes each). The oldest are forgotten: the service then
 * refuses other contents under the same key.
 */
const NUMBERS_MAX = 1_000_000;

/** Remembers what each number asked for; returns the line of an earlier row that asked for something else. */
function createMemory() {
  const seen = new Map<string, { line: number; digest: number }>();
  return (number: string, line: number, commands: readonly Command[]): number | undefined => {
    const digest = digestOf(commands);
    const earlier = seen.get(number);
    if (earlier) return earlier.digest === digest ? undefined : earlier.line;
    const [oldest] = seen.size >= NUMBERS_MAX ? seen.keys() : [];
    if (oldest !== undefined) seen.delete(oldest);
    seen.set(number, { line, digest });
    return undefined;
  };
}

/** 48 bits: what a JavaScript number holds exactly. */
const digestOf = (commands: readonly Command[]): number =>
  createHash('sha256').update(JSON.stringify(commands)).digest().readUIntBE(0, 6);
