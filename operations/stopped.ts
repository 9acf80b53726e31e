/** For what may be done only while the service is stopped. */
import { z } from 'zod';
import type { Database } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';

const PROCESSES = ['billing-api', 'billing-worker', 'billing-consumer', 'billing-billing'];

const nameRow = z.object({ name: z.string() });

/** Its message names the processes of the service that are connected to Postgres. */
export class StillRunning extends Error {}

/** Throws a StillRunning unless none is. */
export async function expectStopped(database: Database): Promise<void> {
  const rows = await queryRows(database, nameRow)`
    SELECT DISTINCT application_name AS name FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = ANY(${PROCESSES}::text[]) ORDER BY 1`;
  if (rows.length > 0)
    throw new StillRunning(
      `The service must be stopped; connected to Postgres are ${rows.map(({ name }) => name).join(', ')}.`,
    );
}
