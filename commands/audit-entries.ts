import type { AuditRow } from './audit.ts';
import type { TransactionClient } from '../platform/database.ts';

/** Writes entries of a chain; who calls it holds the lock of the entity's row, and writes the chain's new end there. */
export async function addEntries(tx: TransactionClient, entries: readonly AuditRow[]): Promise<void> {
  const json = JSON.stringify(entries);
  await tx.$executeRaw`
    INSERT INTO audit_entries SELECT * FROM jsonb_populate_recordset(NULL::audit_entries, ${json}::jsonb)`;
}
