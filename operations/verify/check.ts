/**
 * What a check is: it reads, and says what it looked at and what it found broken. It never writes.
 *
 * The checks have their own SQL: what they verify must not be verified with itself. What is taken from the service is
 * what a thing means (domain, the hash of an audit entry, the place of a stream).
 */
import type { Client } from '@temporalio/client';
import { z } from 'zod';
import type { Database, TransactionClient } from '../../platform/database.ts';
import type { LogRead, OnRecords } from '../../platform/kafka-log.ts';
import { type Sql, sql } from '../../platform/sql.ts';

export interface World {
  database: Database;
  temporal: Client;
  /** Hands over everything that is on the topics of the catalogue, from the oldest record to the newest. */
  readLog: (onRecords: OnRecords) => Promise<LogRead>;
  /** As in NODE_ENV. */
  environment: string;
  /** How many relays share the outbox. */
  shards: number;
  /** Only what belongs to these; everything when absent. */
  tenants?: readonly string[] | undefined;
}

/** What is broken. `id` names it, so that it is known again at a second look. */
export interface Finding {
  id: string;
  problem: string;
}

export interface Check {
  name: string;
  run: (world: World, tally: Tally) => Promise<void>;
}

/** What a check has seen so far. */
export interface Tally {
  saw: (what: string, count?: number) => void;
  found: (id: string, problem: string) => void;
  /** What somebody who reads the report must know to judge it. */
  note: (text: string) => void;
  outcome: () => Outcome;
}

export interface Outcome {
  saw: ReadonlyMap<string, number>;
  findings: readonly Finding[];
  /** How many more there were than are kept. */
  more: number;
  notes: readonly string[];
}

/** Beyond so many, they are counted only. */
const FINDINGS_MAX = 10_000;

export function createTally(): Tally {
  const counts = new Map<string, number>();
  const findings: Finding[] = [];
  const notes: string[] = [];
  let more = 0;
  return {
    saw: (what, count = 1) => void counts.set(what, (counts.get(what) ?? 0) + count),
    found: (id, problem) => {
      if (findings.length < FINDINGS_MAX) findings.push({ id, problem });
      else more += 1;
    },
    note: (text) => void notes.push(text),
    outcome: () => ({ saw: counts, findings, more, notes }),
  };
}

/** Rows that are in memory at once. */
export const PAGE = 1_000;

/** Page after page, in the order of a key; `read` is given the last row of the page before. */
export async function* pages<Row>(
  read: (after: Row | null) => Promise<Row[]>,
  size = PAGE,
): AsyncGenerator<Row[], void, void> {
  let after: Row | null = null;
  for (;;) {
    const rows: Row[] = await read(after);
    if (rows.length > 0) yield rows;
    if (rows.length < size) return;
    after = rows.at(-1) ?? null;
  }
}

const SNAPSHOT_WAIT_MS = 10_000;
const SNAPSHOT_LIMIT_MS = 60_000;

/** Reads as of one instant: a step that commits meanwhile is seen wholly or not at all. */
export const snapshot = <T>(database: Database, read: (tx: TransactionClient) => Promise<T>): Promise<T> =>
  database.$transaction(read, {
    isolationLevel: 'RepeatableRead',
    maxWait: SNAPSHOT_WAIT_MS,
    timeout: SNAPSHOT_LIMIT_MS,
  });

/** The condition that keeps a query to the tenants that were asked for. */
export const ofTenants = ({ tenants }: Pick<World, 'tenants'>, column: Sql): Sql =>
  tenants ? sql`${column} = ANY(${[...tenants]}::uuid[])` : sql`TRUE`;

/** An entity by its tenant and id. */
export const entityKey = z.object({ tenant_id: z.string(), id: z.string() });
export type EntityKey = z.infer<typeof entityKey>;

export const keyOf = ({ tenant_id: tenantId, id }: EntityKey): string => `${tenantId}/${id}`;

/** Before every other one. */
export const NO_KEY: EntityKey = {
  tenant_id: '00000000-0000-0000-0000-000000000000',
  id: '00000000-0000-0000-0000-000000000000',
};

/** A table of the wanted entities, for a join. */
export const wantedKeys = (keys: readonly EntityKey[]): Sql => sql`
  unnest(${keys.map((key) => key.tenant_id)}::uuid[], ${keys.map(({ id }) => id)}::uuid[]) AS wanted(tenant_id, id)`;

/** Rows by what they belong to. */
export function groupBy<Row>(rows: readonly Row[], keyOfRow: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(keyOfRow(row));
    if (group) group.push(row);
    else groups.set(keyOfRow(row), [row]);
  }
  return groups;
}

/** The members of a JSON object; undefined when the text is none. */
export function parsedObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
