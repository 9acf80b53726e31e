/** Reads a CSV file row by row; only what the parser holds at the moment is in memory. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { CsvError, type Info, parse } from 'csv-parse';
import { ImportError, type Row } from './rows.ts';

export interface CsvFile {
  headers: readonly string[];
  /** Of the whole file. */
  bytes: number;
  /** The rows below the header. Throws an ImportError where the file is no CSV. */
  rows: AsyncIterator<Row, undefined>;
}

/** A quote that is never closed would otherwise read the whole file into one cell. */
const ROW_BYTES_MAX = 64 * 1024;

/** @throws ImportError when the file cannot be read or has no header */
export async function openCsv(file: string): Promise<CsvFile> {
  const rows = readRows(file);
  try {
    const { size } = await stat(file);
    const header = await rows.next();
    if (header.done) throw new ImportError(`${file} is empty: expected a line of headers.`);
    return { headers: header.value.cells, bytes: size, rows };
  } catch (error) {
    throw asImportError(error);
  }
}

async function* readRows(file: string): AsyncGenerator<Row, undefined> {
  const parser = parse({
    bom: true,
    trim: true,
    skip_empty_lines: true,
    relax_column_count: true,
    info: true,
    max_record_size: ROW_BYTES_MAX,
  });
  // A failure to read reaches the loop below through the parser.
  pipeline(createReadStream(file), parser, () => {});
  let countedTwice = 0;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: Info }>) {
      const text = record.join('');
      // The parser counts a line break of two characters within quotes as two lines.
      countedTwice += text.split('\r\n').length - 1;
      const lineBreaks = text.split(/\r\n|\r|\n/).length - 1;
      yield { line: info.lines - countedTwice - lineBreaks, cells: record, bytes: info.bytes };
    }
  } catch (error) {
    throw asImportError(error);
  }
}

function asImportError(error: unknown): unknown {
  if (error instanceof CsvError) return new ImportError(`The file is not valid CSV: ${error.message}.`);
  if (error instanceof Error && 'syscall' in error) return new ImportError(`Cannot read the file: ${error.message}.`);
  return error;
}
