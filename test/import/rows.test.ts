import { describe, expect, it } from 'vitest';
import {
  ImportError,
  type Mapping,
  type RowCommands,
  createRowReader,
  isRefusal,
} from '../../operations/import/rows.ts';

const plainMapping: Mapping = { columns: {}, currency: undefined, finalize: false, settle: false };
const receivablesHeaders = [
  'countryCode',
  'customerID',
  'PaperlessDate',
  'invoiceNumber',
  'InvoiceDate',
  'DueDate',
  'InvoiceAmount',
  'Disputed',
  'SettledDate',
];
const receivablesMapping: Mapping = {
  columns: {
    number: 'invoiceNumber',
    customerReference: 'customerID',
    amount: 'InvoiceAmount',
    disputed: 'Disputed',
    settled: 'SettledDate',
  },
  currency: 'USD',
  finalize: false,
  settle: true,
};

const readAll = (headers: string[], mapping: Mapping, ...rows: string[][]) => {
  const read = createRowReader(headers, mapping);
  return rows.map((cells, index) => read({ line: index + 2, cells, bytes: 0 }));
};
const commandsOf = (headers: string[], mapping: Mapping, cells: string[]) =>
  (readAll(headers, mapping, cells)[0] as RowCommands).commands;
const stepsOf = (headers: string[], mapping: Mapping, cells: string[]) =>
  commandsOf(headers, mapping, cells).map(({ step }) => step);
const messageOf = (headers: string[], mapping: Mapping): string => {
  try {
    createRowReader(headers, mapping);
  } catch (error) {
    if (error instanceof ImportError) return error.message;
    throw error;
  }
  return '';
};

describe('the commands of a row', () => {
  it('of the receivables file: create, finalize and pay in full, keyed by the invoice number', () => {
    const row = ['391', '0379-NEVHP', '4/6/2013', '0000611365', '1/2/2013', '2/1/2013', '55.94', 'No', '1/15/2013'];
    expect(commandsOf(receivablesHeaders, receivablesMapping, row)).toEqual([
      {
        step: 'create',
        key: 'import:0000611365',
        body: { name: 'Invoice 0000611365', amount: '55.94', currency: 'USD', customerReference: '0379-NEVHP' },
      },
      { step: 'finalize', key: 'import:0000611365:finalize', body: {} },
      {
        step: 'pay',
        key: 'import:0000611365:pay',
        body: { amount: '55.94', currency: 'USD', method: 'bank transfer', reference: 'IMPORT-0000611365' },
      },
    ]);
  });

  it.each(['Yes', 'TRUE', '1'])('a disputed row (%s) is cancelled, even when it is settled', (disputed) => {
    const row = ['406', '8976-AMJEO', '', '7900770', '', '', '61.74', disputed, '3/3/2013'];
    const commands = commandsOf(receivablesHeaders, receivablesMapping, row);
    expect(commands.map(({ step }) => step)).toEqual(['create', 'finalize', 'cancel']);
    expect(commands[2]).toEqual({ step: 'cancel', key: 'import:7900770:cancel', body: { reason: 'disputed' } });
  });

  it.each(['', 'No', 'false', '0'])('a row that is neither settled (%j) nor disputed stays finalized', (settled) => {
    const row = ['406', '8976-AMJEO', '', '7900770', '', '', '61.74', 'No', settled];
    expect(stepsOf(receivablesHeaders, receivablesMapping, row)).toEqual(['create', 'finalize']);
  });

  it('without --settle nothing is paid or cancelled, without --finalize nothing is finalized', () => {
    const headers = ['number', 'amount', 'currency', 'disputed', 'settled'];
    const row = ['1', '10', 'EUR', 'yes', 'yes'];
    expect(stepsOf(headers, plainMapping, row)).toEqual(['create']);
    expect(stepsOf(headers, { ...plainMapping, finalize: true }, row)).toEqual(['create', 'finalize']);
  });

  it('headers with the names of the fields need no mapping, and the file’s currency wins over the option', () => {
    const headers = ['dueDate', 'number', 'name', 'amount', 'currency', 'customerReference'];
    const mapping = { ...plainMapping, currency: 'USD' };
    expect(commandsOf(headers, mapping, ['2030-01-31', 'A-1', 'Hosting', '10', 'EUR', 'C-1'])[0]?.body).toEqual({
      name: 'Hosting',
      amount: '10',
      currency: 'EUR',
      customerReference: 'C-1',
      dueDate: '2030-01-31',
    });
    expect(commandsOf(headers, mapping, ['', 'A-2', 'Hosting', '10', '', ''])[0]?.body).toEqual({
      name: 'Hosting',
      amount: '10',
      currency: 'USD',
    });
  });

  it('a number with spaces or other letters gives a key that a header can hold, and no two the same', () => {
    const keyOf = (number: string) =>
      commandsOf(['number', 'amount'], { ...plainMapping, currency: 'EUR' }, [number, '1'])[0]?.key;
    expect(keyOf('RE 7/ä')).toBe('import:RE%207/%C3%A4');
    expect(keyOf('RE%207/%C3%A4')).not.toBe(keyOf('RE 7/ä'));
  });
});

describe('rows that are refused without being sent', () => {
  const headers = ['number', 'amount'];
  const mapping = { ...plainMapping, currency: 'EUR' };

  it('a row without a number', () => {
    expect(readAll(headers, mapping, ['', '10'])).toEqual([
      expect.objectContaining({ line: 2, step: 'read', code: 'number_missing' }),
    ]);
  });

  it('a number that was there with other contents; the same contents again are let through', () => {
    const read = readAll(headers, mapping, ['A', '10'], ['A', '10'], ['A', '11'], ['B', '11']);
    expect(read.map(isRefusal)).toEqual([false, false, true, false]);
    expect(read[2]).toMatchObject({ line: 4, code: 'number_repeated', detail: expect.stringContaining('line 2') });
  });

  it('a row with more or fewer cells than the header', () => {
    const read = readAll(headers, mapping, ['A'], ['A', '1,234', '00']);
    expect(read).toEqual([
      expect.objectContaining({ line: 2, code: 'cell_count' }),
      expect.objectContaining({ line: 3, code: 'cell_count' }),
    ]);
  });
});

describe('a file that cannot be imported with these arguments', () => {
  it('a mapped header that is missing is named, with the headers that are there', () => {
    const message = messageOf(['invoiceNumber', 'amount'], {
      ...plainMapping,
      columns: { number: 'InvoiceNo' },
      currency: 'EUR',
    });
    expect(message).toContain('"InvoiceNo"');
    expect(message).toContain('invoiceNumber, amount');
  });

  it.each([
    ['no number', ['amount', 'currency'], plainMapping, 'number'],
    ['no amount', ['number', 'currency'], plainMapping, 'amount'],
    ['no currency', ['number', 'amount'], plainMapping, '--currency'],
    ['a header that is there twice', ['number', 'amount', 'amount', 'currency'], plainMapping, 'twice'],
    ['nothing to settle by', ['number', 'amount', 'currency'], { ...plainMapping, settle: true }, '--settle'],
  ])('%s', (_case, headers, mapping, told) => {
    expect(messageOf(headers, mapping)).toContain(told);
  });
});
