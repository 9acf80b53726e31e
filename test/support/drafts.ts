import { draftMany } from '../../bench/drafts.ts';
import type { Database } from '../../platform/database.ts';
import { testWire } from './activities.ts';

/** Drafts that no workflow knows of (bench/drafts.ts). */
export const manyDrafts = (
  database: Database,
  tenantId: string,
  count: number,
  dueDate: string | null,
): Promise<string[]> => draftMany(database, testWire, { tenantId, count, dueDate });
