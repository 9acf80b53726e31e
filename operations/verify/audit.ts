/**
 * The audit trail: of each entity a chain 1..n, each entry with the hash that its text gives, its end in the entity's
 * row, and the row as the last entry tells it. That a person has stopped an attempt changes nothing.
 */
import { ABANDON } from '../../commands/abandon.ts';
import { toInvoice } from '../../invoices/entity.ts';
import { toEventVersion } from '../../event-versions/entity.ts';
import { stringify } from 'safe-stable-stringify';
import { NIL } from 'uuid';
import { z } from 'zod';
import { type AuditRow, auditHash } from '../../commands/audit.ts';
import type { Database, TransactionClient } from '../../platform/database.ts';
import { toStoredCashier } from '../../cashiers/row.ts';
import { queryRows } from '../../platform/rows.ts';
import { type Sql, sql } from '../../platform/sql.ts';
import {
  type Check,
  type EntityKey,
  NO_KEY,
  PAGE,
  type Tally,
  type World,
  entityKey,
  groupBy,
  keyOf,
  ofTenants,
  pages,
  parsedObject,
  snapshot,
  wantedKeys,
} from './check.ts';

const headRow = z.object({ audit_sequence: z.int(), audit_hash: z.string() });
type Head = z.infer<typeof headRow>;

/** The end of the chain as the entity's row has it, and the members that its last entry must show. */
interface Current extends Head {
  state: Record<string, unknown>;
}

type After = EntityKey | null;

interface Kind {
  entityType: string;
  /** The next page of what has a row, under the tenant that its entries have. */
  withRow: (world: World, after: After) => Promise<EntityKey[]>;
  /** Whether an entry's entity has a row. */
  hasRow: Sql;
  read: (tx: TransactionClient, keys: readonly EntityKey[]) => Promise<Map<string, Current>>;
  /** The action after which there is no row any more. */
  gone?: string;
}

const byTenant =
  (table: Sql) =>
  ({ database, tenants }: World, after: After): Promise<EntityKey[]> =>
    queryRows(database, entityKey)`
      SELECT tenant_id, id FROM ${table}
      WHERE (tenant_id, id) > (${(after ?? NO_KEY).tenant_id}::uuid, ${(after ?? NO_KEY).id}::uuid)
        AND ${ofTenants({ tenants }, sql`tenant_id`)}
      ORDER BY tenant_id, id LIMIT ${PAGE}`;

const deadLetters = ({ database, tenants }: World, after: After): Promise<EntityKey[]> =>
  queryRows(database, entityKey)`
    SELECT coalesce(tenant_id, ${NIL}::uuid) AS tenant_id, id FROM dead_letters
    WHERE id > ${(after ?? NO_KEY).id}::uuid AND ${ofTenants({ tenants }, sql`tenant_id`)}
    ORDER BY id LIMIT ${PAGE}`;

const kinds: readonly Kind[] = [
  {
    entityType: 'invoice',
    withRow: byTenant(sql`invoices`),
    hasRow: sql`EXISTS (SELECT FROM invoices r WHERE r.tenant_id = a.tenant_id AND r.id = a.entity_id)`,
    read: readInvoices,
  },
  {
    entityType: 'cashier',
    withRow: byTenant(sql`cashiers`),
    hasRow: sql`EXISTS (SELECT FROM cashiers r WHERE r.tenant_id = a.tenant_id AND r.id = a.entity_id)`,
    read: readCashiers,
    gone: 'delete',
  },
  {
    entityType: 'event_version',
    withRow: byTenant(sql`event_versions`),
    hasRow: sql`EXISTS (SELECT FROM event_versions r WHERE r.id = a.entity_id)`,
    read: readEventVersions,
  },
  {
    entityType: 'dead_letter',
    withRow: deadLetters,
    hasRow: sql`EXISTS (SELECT FROM dead_letters r WHERE r.id = a.entity_id)`,
    read: readDeadLetters,
  },
];

export const audit: Check = {
  name: 'audit',
  run: async (world, tally) => {
    for (const kind of kinds) {
      for (const read of [kind.withRow, withoutRow(kind)]) {
        for await (const keys of pages((after: After) => read(world, after)))
          await checkChains(world.database, kind, keys, tally);
      }
    }
  },
};

/** The same for the invoices that are named, at most a page of them. */
export async function checkInvoiceChains(database: Database, keys: readonly EntityKey[], tally: Tally): Promise<void> {
  for (const kind of kinds.filter(({ entityType }) => entityType === 'invoice'))
    await checkChains(database, kind, keys, tally);
}

/** What has entries, but no row. */
const withoutRow =
  ({ entityType, hasRow }: Kind) =>
  ({ database, tenants }: World, after: After): Promise<EntityKey[]> =>
    queryRows(database, entityKey)`
      SELECT DISTINCT tenant_id, entity_type, entity_id AS id FROM audit_entries a
      WHERE (tenant_id, entity_type, entity_id)
          > (${(after ?? NO_KEY).tenant_id}::uuid, ${after ? entityType : ''}, ${(after ?? NO_KEY).id}::uuid)
        AND entity_type = ${entityType} AND NOT ${hasRow} AND ${ofTenants({ tenants }, sql`tenant_id`)}
      ORDER BY tenant_id, entity_type, entity_id LIMIT ${PAGE}`;

async function checkChains(
  database: Database,
  kind: Kind,
  keys: readonly EntityKey[],
  { saw, found }: Tally,
): Promise<void> {
  const { entries, rows } = await snapshot(database, async (tx) => ({
    entries: await readEntries(tx, kind, keys),
    rows: await kind.read(tx, keys),
  }));
  const chains = groupBy(entries, (entry) => keyOf({ tenant_id: entry.tenant_id, id: entry.entity_id }));
  for (const key of keys) {
    const chain = chains.get(keyOf(key)) ?? [];
    saw('chains');
    saw('entries', chain.length);
    const problem = chainProblem(chain) ?? stopProblem(chain) ?? endProblem(kind, chain.at(-1), rows.get(keyOf(key)));
    if (problem) found(key.id, `${kind.entityType}: ${problem}`);
  }
}

const entryRow = z.object({
  tenant_id: z.string(),
  entity_type: z.string(),
  entity_id: z.string(),
  sequence: z.int(),
  version: z.int(),
  action: z.string(),
  actor: z.string(),
  at: z.date(),
  status: z.string(),
  reason: z.string().nullable(),
  command_key: z.string(),
  body: z.string(),
  previous_hash: z.string(),
  hash: z.string(),
});

async function readEntries(
  tx: TransactionClient,
  { entityType }: Kind,
  keys: readonly EntityKey[],
): Promise<AuditRow[]> {
  const rows = await queryRows(tx, entryRow)`
    SELECT a.* FROM ${wantedKeys(keys)}
    JOIN audit_entries a
      ON a.tenant_id = wanted.tenant_id AND a.entity_type = ${entityType} AND a.entity_id = wanted.id
    ORDER BY a.tenant_id, a.entity_id, a.sequence`;
  return rows.map((row) => Object.assign(row, { at: row.at.toISOString() }));
}

function chainProblem(chain: readonly AuditRow[]): string | undefined {
  for (const [index, { hash, previous_hash: before, ...entry }] of chain.entries()) {
    if (entry.sequence !== index + 1) return `entry ${index + 1} is missing; ${entry.sequence} follows`;
    if (before !== (chain[index - 1]?.hash ?? '')) return `entry ${entry.sequence} does not name the hash before it`;
    if (auditHash(before, entry) !== hash) return `entry ${entry.sequence} was changed: its hash is another one`;
  }
  return undefined;
}

/** An attempt is stopped once, by its key; whatever the entity was, it still is. */
function stopProblem(chain: readonly AuditRow[]): string | undefined {
  const keys = new Set<string>();
  for (const [index, entry] of chain.entries()) {
    const { sequence, action, command_key: key } = entry;
    if (action !== ABANDON) continue;
    if (!key.startsWith(`${ABANDON}:`)) return `entry ${sequence} stops an attempt under the key ${key}`;
    if (keys.has(key)) return `entry ${sequence} stops an attempt that was stopped before`;
    keys.add(key);
    const changed = changedBetween(chain[index - 1], entry);
    if (changed.length > 0) return `entry ${sequence} stops an attempt, and changes ${changed.join(', ')}`;
  }
  return undefined;
}

/** What differs between an entry and the one before it, of what both tell. */
function changedBetween(before: AuditRow | undefined, entry: AuditRow): string[] {
  if (!before) return entry.status === UNDECIDED ? [] : ['status'];
  const [old, now] = [statedIn(before), statedIn(entry)];
  return Object.keys(now).filter((name) => name in old && stringify(old[name]) !== stringify(now[name]));
}

/** Of a dead letter that nobody has decided. */
const UNDECIDED = 'open';

/** Of a dead letter, only what a decision settles: the rest changes without one. */
function statedIn({ entity_type: entityType, status, body }: AuditRow): Record<string, unknown> {
  const { stopped: _why, ...stated } = parsedObject(body) ?? {};
  if (entityType !== 'dead_letter') return { ...stated, status };
  const { resolution, resolvedBy, resolvedReason } = stated;
  return { status, resolution, resolvedBy, resolvedReason };
}

function endProblem(kind: Kind, last: AuditRow | undefined, row: Current | undefined): string | undefined {
  if (!row) return last && last.action === kind.gone ? undefined : `has ${last?.sequence ?? 0} entries, but no row`;
  const { audit_sequence: sequence, audit_hash: hash, state } = row;
  if (sequence !== (last?.sequence ?? 0) || hash !== (last?.hash ?? ''))
    return `its row names entry ${sequence} as the last, the chain ends with ${last?.sequence ?? 'none'}`;
  const body = last && parsedObject(last.body);
  if (!body)
    return kind.entityType === 'dead_letter' && isUndecided(state) ? undefined : 'has no entry that tells what it is';
  // An entry tells what there was to tell at its time; what was added to the table later is not in it.
  const wrong = Object.keys(state).filter((name) => name in body && stringify(body[name]) !== stringify(state[name]));
  return wrong.length === 0 ? undefined : `its row is not as its last entry tells: ${wrong.join(', ')}`;
}

/** A dead letter has entries only for what people have decided. */
const isUndecided = (state: Record<string, unknown>): boolean => state['resolution'] === null;

const invoiceRow = z.looseObject({ ...entityKey.shape, ...headRow.shape });

async function readInvoices(tx: TransactionClient, keys: readonly EntityKey[]): Promise<Map<string, Current>> {
  const rows = await queryRows(tx, invoiceRow)`
    SELECT invoices.* FROM ${wantedKeys(keys)} JOIN invoices USING (tenant_id, id)`;
  return new Map(rows.map((row) => [keyOf(row), { ...headOf(row), state: { ...toInvoice(row) } }]));
}

async function readEventVersions(tx: TransactionClient, keys: readonly EntityKey[]): Promise<Map<string, Current>> {
  const rows = await queryRows(tx, invoiceRow)`
    SELECT event_versions.* FROM ${wantedKeys(keys)} JOIN event_versions USING (tenant_id, id)`;
  return new Map(rows.map((row) => [keyOf(row), { ...headOf(row), state: { ...toEventVersion(row) } }]));
}

const cashierRow = invoiceRow.extend({
  currencies: z.array(z.object({ currency: z.string(), effectiveFrom: z.string() })),
});

async function readCashiers(tx: TransactionClient, keys: readonly EntityKey[]): Promise<Map<string, Current>> {
  const rows = await queryRows(tx, cashierRow)`
    SELECT cashiers.*, (
      SELECT coalesce(jsonb_agg(jsonb_build_object('currency', currency, 'effectiveFrom', effective_from)
                                ORDER BY currency COLLATE "C"), '[]')
      FROM cashier_currencies c WHERE c.tenant_id = cashiers.tenant_id AND c.cashier_id = cashiers.id) AS currencies
    FROM ${wantedKeys(keys)} JOIN cashiers USING (tenant_id, id)`;
  return new Map(
    rows.map((row) => [keyOf(row), { ...headOf(row), state: { ...toStoredCashier(row), currencies: row.currencies } }]),
  );
}

const deadLetterRow = entityKey.extend({
  ...headRow.shape,
  resolution: z.string().nullable(),
  resolved_by: z.string().nullable(),
  resolved_reason: z.string().nullable(),
});

/** Only what a decision settles: how often a message was handed in, and why it was refused, changes without one. */
async function readDeadLetters(tx: TransactionClient, keys: readonly EntityKey[]): Promise<Map<string, Current>> {
  const rows = await queryRows(tx, deadLetterRow)`
    SELECT wanted.tenant_id, l.id, l.audit_sequence, l.audit_hash, l.resolution, l.resolved_by, l.resolved_reason
    FROM ${wantedKeys(keys)} JOIN dead_letters l ON l.id = wanted.id`;
  return new Map(
    rows.map(({ resolution, resolved_by: resolvedBy, resolved_reason: resolvedReason, ...row }) => [
      keyOf(row),
      { ...headOf(row), state: { resolution, resolvedBy, resolvedReason } },
    ]),
  );
}

const headOf = ({ audit_sequence, audit_hash }: Head): Head => ({ audit_sequence, audit_hash });
