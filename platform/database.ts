/** Postgres through Prisma: the one place that connects. */
import { PrismaPg } from '@prisma/adapter-pg';
import { type Prisma, PrismaClient } from '../prisma/generated/client.ts';

export type Database = PrismaClient;
export type TransactionClient = Prisma.TransactionClient;

export { isInfrastructureFailure, violatedConstraint } from './database-errors.ts';

/** How long what is done in the database may take; platform/config.ts has the defaults, and checks that they nest. */
export interface DatabaseLimits {
  /** Opening a connection, or waiting for one of the pool. */
  connectMs: number;
  /** Waiting for a transaction to begin. */
  waitMs: number;
  /** A statement, and a transaction as a whole. */
  statementMs: number;
}

/** Who has longer than a local activity waits longer for a transaction to begin. */
export const LONG_WAIT_MS = 3_000;

/** In Postgres a statement ends by itself; the client waits a little longer, so that it is told so. */
const CLIENT_WAITS_LONGER_MS = 200;
/** A transaction whose process stands still, or is gone, gives its locks back. */
const IDLE_TRANSACTION_LIMIT_MS = 3_000;

export interface DatabaseSettings {
  url: string;
  poolMax: number;
  applicationName: string;
  limits: DatabaseLimits;
  /** For reports, which may read for long: Postgres refuses every write of theirs. */
  readOnly?: true;
}

/** A pool of connections. Every statement has a deadline; a transaction left open by a dead process ends by itself. */
export function createDatabase({ url, poolMax, applicationName, limits, readOnly }: DatabaseSettings): Database {
  const adapter = new PrismaPg(
    {
      connectionString: url,
      application_name: applicationName,
      max: poolMax,
      connectionTimeoutMillis: limits.connectMs,
      statement_timeout: limits.statementMs,
      query_timeout: limits.statementMs + CLIENT_WAITS_LONGER_MS,
      idle_in_transaction_session_timeout: IDLE_TRANSACTION_LIMIT_MS,
      keepAlive: true,
      ...(readOnly ? { options: '-c default_transaction_read_only=on' } : {}),
    },
    // A connection that breaks while idle is replaced at the next use; without a listener it would end the process.
    { onPoolError: () => undefined, onConnectionError: () => undefined },
  );
  return new PrismaClient({
    adapter,
    transactionOptions: { maxWait: limits.waitMs, timeout: limits.statementMs },
  });
}
