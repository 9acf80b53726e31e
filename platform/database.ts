/** Postgres through Prisma: the one place that connects, and that tells a lost connection from a broken rule. */
import { PrismaPg } from '@prisma/adapter-pg';
import { Prisma, PrismaClient } from '../prisma/generated/client.ts';

export type Database = PrismaClient;
export type TransactionClient = Prisma.TransactionClient;

/** Below the two seconds that a local activity has, which are below the five of a workflow task. */
export const TRANSACTION_WAIT_MS = 400;
export const TRANSACTION_LIMIT_MS = 1_400;

/** Without a workflow that tries again, a request waits longer for its turn. */
export const REQUEST_TRANSACTION_WAIT_MS = 3_000;

const CONNECT_LIMIT_MS = 1_000;
const QUERY_LIMIT_MS = 1_400;
const IDLE_TRANSACTION_LIMIT_MS = 3_000;

export interface DatabaseSettings {
  url: string;
  poolMax: number;
  applicationName: string;
  /** For reports, which may read for long: Postgres refuses every write of theirs. */
  readOnly?: { queryLimitMs: number };
}

/** A pool of connections. Every statement has a deadline; a transaction left open by a dead process ends by itself. */
export function createDatabase(settings: DatabaseSettings): Database {
  const queryLimitMs = settings.readOnly?.queryLimitMs ?? QUERY_LIMIT_MS;
  const adapter = new PrismaPg(
    {
      connectionString: settings.url,
      application_name: settings.applicationName,
      max: settings.poolMax,
      connectionTimeoutMillis: CONNECT_LIMIT_MS,
      statement_timeout: queryLimitMs,
      query_timeout: queryLimitMs + 200,
      idle_in_transaction_session_timeout: IDLE_TRANSACTION_LIMIT_MS,
      keepAlive: true,
      ...(settings.readOnly ? { options: '-c default_transaction_read_only=on' } : {}),
    },
    // A connection that breaks while idle is replaced at the next use; without a listener it would end the process.
    { onPoolError: () => undefined, onConnectionError: () => undefined },
  );
  return new PrismaClient({
    adapter,
    transactionOptions: { maxWait: TRANSACTION_WAIT_MS, timeout: TRANSACTION_LIMIT_MS },
  });
}

/** What is known of a database error: SQLSTATE, the constraint it names, and Prisma's own code. */
interface DatabaseError {
  /** What the driver adapter calls it, for errors that Postgres itself did not send. */
  kind?: string;
  sqlState?: string;
  constraint?: string;
  prismaCode?: string;
}

const RETRYABLE_PRISMA = new Set([
  'P1001', // cannot reach the server
  'P1002', // the server timed out
  'P1008', // operation timed out
  'P1017', // the server closed the connection
  'P2024', // no connection in the pool in time
  'P2028', // transaction could not start, or ran out of time
  'P2034', // write conflict or deadlock
]);
const RETRYABLE_KINDS = new Set([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TlsConnectionError',
  'TooManyConnections',
  'TransactionWriteConflict',
]);
// Connection, transaction rollback, resources, operator intervention; and a lock that did not come in time.
const RETRYABLE_SQLSTATE = /^(?:08|40|53|57)|^55P03$/;
const CONNECTION_LOST =
  /timeout|terminat|ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|connection (?:closed|lost|ended)|not queryable|Client has encountered/i;

/** Would the same statement, sent again later, have a chance? Anything else is a bug. */
export function isInfrastructureFailure(error: unknown): boolean {
  const { kind, sqlState, prismaCode } = describeDatabaseError(error);
  if (kind && RETRYABLE_KINDS.has(kind)) return true;
  if (prismaCode && RETRYABLE_PRISMA.has(prismaCode)) return true;
  if (sqlState) return RETRYABLE_SQLSTATE.test(sqlState);
  return error instanceof Error && CONNECTION_LOST.test(error.message);
}

const VIOLATIONS = new Set(['23505', '23503', 'P2002', 'P2003']);

/** The unique or foreign key constraint that a statement violated, or undefined when the error is another. */
export function violatedConstraint(error: unknown): string | undefined {
  const { sqlState, prismaCode, constraint } = describeDatabaseError(error);
  return VIOLATIONS.has(sqlState ?? '') || VIOLATIONS.has(prismaCode ?? '') ? (constraint ?? 'unknown') : undefined;
}

function describeDatabaseError(error: unknown): DatabaseError {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return {};
  // The driver adapter hangs what Postgres said below meta; its shape is not part of Prisma's types.
  const cause = (error.meta?.['driverAdapterError'] as { cause?: Record<string, unknown> } | undefined)?.cause ?? {};
  const constraint = cause['constraint'] as { index?: string; fields?: string[] } | undefined;
  const sqlState = cause['originalCode'] ?? (error.code === 'P2010' ? error.meta?.['code'] : undefined);
  return {
    prismaCode: error.code,
    ...(typeof cause['kind'] === 'string' ? { kind: cause['kind'] } : {}),
    ...(typeof sqlState === 'string' ? { sqlState } : {}),
    ...(constraint ? { constraint: constraint.index ?? (constraint.fields ?? []).join(',') } : {}),
  };
}
