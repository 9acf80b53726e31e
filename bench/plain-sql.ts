import { z } from 'zod';
import { CHUNK_MAX as BATCH } from '../activities/finalize-due-drafts.ts';
import type { Database } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';

const idRow = z.object({ id: z.string() });

/** What a run has written of an invoice, by table; `ids` are those of a batch. */
const writtenOf: Record<string, string> = {
  commands: `entity_id = ANY($1::uuid[]) AND step = 'finalize'`,
  audit_entries: `entity_id = ANY($1::uuid[]) AND action = 'finalize'`,
  outbox_events: `split_part(partition_key, '|', 2) = ANY($1::text[]) AND type LIKE '%.finalized.%'`,
  streams: `split_part(stream, '|', 3) = ANY($1::text[]) AND stream LIKE '%.public.%'`,
  invoices: 'id = ANY($1::uuid[])',
};

/**
 * The floor of a billing run: invoices a second when the rows that one of a tenant has written are inserted again, into
 * tables like ours, in batches of the same size, each one statement a table and a transaction.
 */
export async function plainSqlRate(database: Database, tenantId: string): Promise<number> {
  const rows = await queryRows(database, idRow)`SELECT id FROM invoices WHERE tenant_id = ${tenantId}::uuid`;
  const ids = rows.map(({ id }) => id);
  const tables = Object.keys(writtenOf);
  for (const table of tables) {
    await database.$executeRawUnsafe(`DROP TABLE IF EXISTS floor_${table}`);
    await database.$executeRawUnsafe(`CREATE TABLE floor_${table} (LIKE ${table} INCLUDING ALL)`);
  }
  const batches: [string, string][][] = [];
  for (let start = 0; start < ids.length; start += BATCH) {
    const some = ids.slice(start, start + BATCH);
    const batch: [string, string][] = [];
    for (const table of tables) {
      const [found] = (await database.$queryRawUnsafe(
        `SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]')::text AS rows FROM ${table} t WHERE ${writtenOf[table]}`,
        some,
      )) as [{ rows: string }];
      batch.push([table, found.rows]);
    }
    batches.push(batch);
  }
  const from = performance.now();
  for (const batch of batches)
    await database.$transaction(
      async (tx) => {
        for (const [table, text] of batch)
          await tx.$executeRawUnsafe(
            `INSERT INTO floor_${table} SELECT * FROM jsonb_populate_recordset(NULL::floor_${table}, $1::jsonb)`,
            text,
          );
      },
      { timeout: 60_000 },
    );
  const rate = ids.length / ((performance.now() - from) / 1000);
  for (const table of tables) await database.$executeRawUnsafe(`DROP TABLE floor_${table}`);
  return rate;
}
