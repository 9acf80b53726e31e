/**
 * What a database error means: the one place that tells a server or connection that failed from a broken rule and from
 * a bug.
 *
 * The type of an error and its code decide. Words of a message decide only where the driver leaves no other way: pg
 * reports a lost connection and its own deadlines as plain errors without a code. Only whole sentences of pg count, and
 * only in errors that can be the driver's: the messages of parsers, of the router and of our own code may quote
 * anything that a caller has sent.
 */
import { Prisma } from '../prisma/generated/client.ts';
import { meaningOf } from './sql-states.ts';

/** Prisma's own codes; a transaction that could not begin in time has no SQLSTATE. */
const AGAIN_PRISMA = new Set([
  'P1001', // cannot reach the server
  'P1002', // the server timed out
  'P1008', // operation timed out
  'P1017', // the server closed the connection
  'P2024', // no connection in the pool in time
  'P2028', // transaction could not start, or ran out of time
  'P2034', // write conflict or deadlock
]);

/** What the driver adapter calls errors that Postgres itself did not send. */
const AGAIN_KINDS = new Set(['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout', 'TlsConnectionError']);

/** Error codes of sockets and of name look-ups, as Node gives them. */
const AGAIN_SOCKET =
  /^(?:ECONN(?:ABORTED|REFUSED|RESET)|EPIPE|ETIMEDOUT|E(?:HOST|NET)(?:UNREACH|DOWN)|ENOTFOUND|EAI_AGAIN|EADDRNOTAVAIL|EMFILE|ENFILE)$/;

/** What pg and pg-pool say, word for word (pg/lib/client.js, pg/lib/connection.js, pg-pool/index.js). */
const AGAIN_SENTENCES = [
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Query read timeout',
  'Connection terminated', // also "... unexpectedly" and "... due to connection timeout"
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
  'The server does not support SSL connections',
  'There was an error establishing an SSL connection',
];

/** What is known of a database error. */
interface DatabaseError {
  /** What the driver adapter calls it. */
  kind?: string;
  sqlState?: string;
  constraint?: string;
  prismaCode?: string;
}

/** Would the same statement, sent again later, have a chance? Anything else is a violated constraint or a bug. */
export function isInfrastructureFailure(error: unknown): boolean {
  const { kind, sqlState, prismaCode } = describe(error);
  if (sqlState) return meaningOf(sqlState) === 'again';
  if (kind && AGAIN_KINDS.has(kind)) return true;
  if (prismaCode && AGAIN_PRISMA.has(prismaCode)) return true;
  return isLostConnection(error);
}

/** The unique or foreign key constraint that a statement violated, or undefined when the error is another. */
export function violatedConstraint(error: unknown): string | undefined {
  const { sqlState, prismaCode, constraint } = describe(error);
  return VIOLATIONS.has(sqlState ?? '') || VIOLATIONS.has(prismaCode ?? '') ? (constraint ?? 'unknown') : undefined;
}

const VIOLATIONS = new Set(['23505', '23503', 'P2002', 'P2003']);

const isLostConnection = (error: unknown): boolean =>
  error instanceof Error &&
  (AGAIN_SOCKET.test(codeOf(error)) ||
    (mayBeTheDrivers(error) && AGAIN_SENTENCES.some((sentence) => error.message.includes(sentence))));

/** pg throws plain errors; Prisma wraps those it does not know. A subclass of Error is somebody else's. */
const mayBeTheDrivers = (error: Error): boolean =>
  error.constructor === Error ||
  error.name === DRIVER_ADAPTER_ERROR ||
  error instanceof Prisma.PrismaClientKnownRequestError ||
  error instanceof Prisma.PrismaClientUnknownRequestError ||
  error instanceof Prisma.PrismaClientInitializationError;

const codeOf = (error: NodeJS.ErrnoException): string => error.code ?? '';

const DRIVER_ADAPTER_ERROR = 'DriverAdapterError';

/** The driver adapter hangs what Postgres said below `cause`; its shape is not part of Prisma's types. */
function causeIn(error: unknown): Record<string, unknown> {
  if (error instanceof Prisma.PrismaClientKnownRequestError)
    return (error.meta?.['driverAdapterError'] as { cause?: Record<string, unknown> } | undefined)?.cause ?? {};
  if (error instanceof Error && error.name === DRIVER_ADAPTER_ERROR)
    return (error.cause as Record<string, unknown> | undefined) ?? {};
  return {};
}

function describe(error: unknown): DatabaseError {
  const cause = causeIn(error);
  const known = error instanceof Prisma.PrismaClientKnownRequestError ? error : undefined;
  const constraint = cause['constraint'] as { index?: string; fields?: string[] } | undefined;
  const sqlState = cause['originalCode'] ?? (known?.code === 'P2010' ? known.meta?.['code'] : undefined);
  return {
    ...(known ? { prismaCode: known.code } : {}),
    ...(typeof cause['kind'] === 'string' ? { kind: cause['kind'] } : {}),
    ...(typeof sqlState === 'string' && SQL_STATE.test(sqlState) ? { sqlState } : {}),
    ...(constraint ? { constraint: constraint.index ?? (constraint.fields ?? []).join(',') } : {}),
  };
}

/** Prisma writes "N/A" where there is none. */
const SQL_STATE = /^[0-9A-Z]{5}$/;
