/**
 * Who still uses an operation that will go: requests of each tenant, operation and day, so that nobody is cut off
 * unasked.
 *
 * Always true: to note a use takes no time and cannot fail. Uses wait in the process and are written together, one
 * statement every few seconds; what waits is bounded. A count may be lost with the process, or come twice when nobody
 * knows whether it was written.
 */
import { z } from 'zod';
import type { Database } from '../platform/database.ts';
import type { Logger } from '../platform/logger.ts';
import { queryRows } from '../platform/rows.ts';
import { addDays, dateOf } from '../values/dates.ts';

const FLUSH_MS = 5_000;
/** Tenants and operations that wait at once; others of these seconds are not counted. */
const WAITING_MAX = 5_000;
/** So many of an operation are listed, those seen last. */
const USERS_MAX = 1_000;
const LISTED_DAYS = 30;

interface Use {
  tenantId: string;
  operation: string;
  /** In UTC. */
  day: string;
  requests: number;
  lastSeenAt: Date;
}

export interface DeprecatedUses {
  note: (tenantId: string, operation: string) => void;
  /** Writes what waits. */
  stop: () => Promise<void>;
}

export function createDeprecatedUses(database: Database, logger: Logger, flushMs = FLUSH_MS): DeprecatedUses {
  const waiting = new Map<string, Use>();
  let timer: NodeJS.Timeout | undefined;
  let writing = Promise.resolve();

  function add(use: Use): void {
    const key = `${use.tenantId} ${use.operation} ${use.day}`;
    const known = waiting.get(key);
    const lastSeenAt = known && known.lastSeenAt > use.lastSeenAt ? known.lastSeenAt : use.lastSeenAt;
    if (known) waiting.set(key, { ...use, lastSeenAt, requests: known.requests + use.requests });
    else if (waiting.size < WAITING_MAX) waiting.set(key, use);
  }

  async function flush(): Promise<void> {
    const uses = [...waiting.values()];
    waiting.clear();
    if (uses.length === 0) return;
    await writeUses(database, uses).catch((error: unknown) => {
      logger.warn({ err: error, uses: uses.length }, 'the use of deprecated operations was not written');
      for (const use of uses) add(use);
    });
  }

  /** One at a time: the next one is set when this one is over. */
  function flushLater(): void {
    timer ??= setTimeout(() => {
      writing = flush().finally(() => {
        timer = undefined;
        if (waiting.size > 0) flushLater();
      });
    }, flushMs).unref();
  }

  return {
    note: (tenantId, operation) => {
      const lastSeenAt = new Date();
      add({ tenantId, operation, day: dateOf(lastSeenAt.toISOString()), requests: 1, lastSeenAt });
      flushLater();
    },
    stop: async () => {
      await writing;
      clearTimeout(timer);
      await flush();
    },
  };
}

/** In the order of the key, so that two processes wait for each other in one direction. */
const writeUses = (database: Database, uses: readonly Use[]): Promise<number> => database.$executeRaw`
  INSERT INTO deprecated_uses AS known (operation, day, tenant_id, requests, last_seen_at)
  SELECT * FROM unnest(
    ${uses.map(({ operation }) => operation)}::text[], ${uses.map(({ day }) => day)}::date[],
    ${uses.map(({ tenantId }) => tenantId)}::uuid[], ${uses.map(({ requests }) => requests)}::bigint[],
    ${uses.map(({ lastSeenAt }) => lastSeenAt)}::timestamptz[])
  ORDER BY 1, 2, 3
  ON CONFLICT (operation, day, tenant_id) DO UPDATE SET
    requests = known.requests + excluded.requests, last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at)`;

const userRow = z.object({
  operation: z.string(),
  tenant_id: z.string(),
  requests: z.bigint(),
  last_seen_at: z.date(),
});

export interface DeprecatedUser {
  tenantId: string;
  requests: number;
  lastSeenAt: Date;
}

/** Who has used these operations in the last thirty days, by operation, seen last first; null: of all tenants. */
export async function deprecatedUsers(
  database: Database,
  operations: readonly string[],
  tenantId: string | null,
): Promise<Map<string, DeprecatedUser[]>> {
  if (operations.length === 0) return new Map();
  const since = addDays(dateOf(new Date().toISOString()), 1 - LISTED_DAYS);
  const rows = await queryRows(database, userRow)`
    WITH users AS (
      SELECT operation, tenant_id, sum(requests)::bigint AS requests, max(last_seen_at) AS last_seen_at,
        row_number() OVER (PARTITION BY operation ORDER BY max(last_seen_at) DESC, tenant_id) AS place
      FROM deprecated_uses
      WHERE operation = ANY(${operations}::text[]) AND day >= ${since}::date
        AND (${tenantId}::uuid IS NULL OR tenant_id = ${tenantId}::uuid)
      GROUP BY operation, tenant_id)
    SELECT operation, tenant_id, requests, last_seen_at FROM users WHERE place <= ${USERS_MAX}
    ORDER BY operation, place`;
  const byOperation = new Map<string, DeprecatedUser[]>();
  for (const { operation, tenant_id: user, requests, last_seen_at: lastSeenAt } of rows) {
    const users = byOperation.get(operation) ?? [];
    users.push({ tenantId: user, requests: Number(requests), lastSeenAt });
    byOperation.set(operation, users);
  }
  return byOperation;
}
