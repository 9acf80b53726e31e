/** Postgres through Prisma: the one place that connects. */
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { Prisma, PrismaClient } from '../prisma/generated/client.ts';

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

const PREPARED = '/* prepared */';

/**
 * Stands in the text of a statement that is sent often: each connection prepares it once. Not for what is found by a
 * filter: Postgres might settle on a plan that fits other values. Nor for what gives all columns of a table: a
 * migration that adds one beside the running service would make it fail on every connection.
 */
export const prepared = Prisma.raw(PREPARED);

/** Texts that get a name; a further one is parsed and planned at every use. */
const PREPARED_MAX = 200;

/** Names the statements that are to be prepared by their texts; '' for all others. */
function createStatementNames(): (statement: { sql: string }) => string {
  const names = new Map<string, string>();
  return ({ sql }) => {
    if (!sql.includes(PREPARED)) return '';
    const known = names.get(sql);
    if (known !== undefined) return known;
    if (names.size >= PREPARED_MAX) return '';
    const name = `s${names.size}`;
    names.set(sql, name);
    return name;
  };
}

const THEN_COMMIT = '/* then COMMIT */';

/**
 * Ends the text of a statement that is the last one of its transaction: COMMIT goes with it. What fails in the process
 * after such a statement does not undo it.
 */
export const thenCommit = Prisma.raw(THEN_COMMIT);

const BEGUN = { rows: [], fields: [], rowCount: null };

/**
 * Saves two round trips a transaction: BEGIN is sent together with the first statement, COMMIT with a last one that
 * says so. Postgres ends a transaction whose last statement failed, whatever it is asked for. A connection on which
 * BEGIN failed is closed.
 */
class PipeliningClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super({ ...config, pipeline: true });
    const send = this.query.bind(this) as (...given: unknown[]) => Promise<unknown>;
    let ending: Promise<unknown> | undefined;
    const pipelined = (...given: unknown[]): Promise<unknown> => {
      const text = (given[0] as { text?: string } | undefined)?.text ?? '';
      if (text === 'BEGIN') {
        send('BEGIN').catch(() => this.end());
        return Promise.resolve(BEGUN);
      }
      if (ending && (text === 'COMMIT' || text === 'ROLLBACK')) {
        const sent = ending;
        ending = undefined;
        return sent;
      }
      const answer = send(...given);
      if (text.endsWith(THEN_COMMIT)) {
        ending = send('COMMIT');
        ending.catch(() => undefined);
      }
      return answer;
    };
    this.query = pipelined as typeof this.query;
  }
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
      Client: PipeliningClient,
      ...(readOnly ? { options: '-c default_transaction_read_only=on' } : {}),
    },
    // A connection that breaks while idle is replaced at the next use; without a listener it would end the process.
    {
      onPoolError: () => undefined,
      onConnectionError: () => undefined,
      statementNameGenerator: createStatementNames(),
    },
  );
  return new PrismaClient({
    adapter,
    transactionOptions: { maxWait: limits.waitMs, timeout: limits.statementMs },
  });
}
