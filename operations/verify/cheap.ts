/**
 * The cheap subset, for every minute inside the service: the checks of Postgres for what has changed last. It finds
 * what a fault of the service breaks soon after it was broken; an old row that somebody edits, a lost record and a
 * missing workflow are for `npm run verify`.
 */
import { z } from 'zod';
import type { Database } from '../../platform/database.ts';
import { queryRows } from '../../platform/rows.ts';
import { sql } from '../../platform/sql.ts';
import { checkInvoiceChains } from './audit.ts';
import { type EntityKey, type Tally, entityKey, createTally, groupBy, keyOf, ofTenants } from './check.ts';
import { checkCommandsOf } from './commands.ts';
import { checkInvoices } from './invoices.ts';
import { checkLastNumbers } from './numbers.ts';
import { checkStreams } from './streams.ts';

/** The events that were recorded last; their streams, invoices and tenants are looked at. */
const EVENTS = 500;

const eventRow = entityKey.extend({ stream: z.string(), topic: z.string() });

type CheapCheck = 'streams' | 'invoices' | 'audit' | 'numbers' | 'commands';

/** How many findings each check has. Rejects when the database is away or too slow. */
export async function cheapChecks(
  database: Database,
  { tenants }: { tenants?: readonly string[] } = {},
): Promise<Record<CheapCheck, number>> {
  const events = await queryRows(database, eventRow)`
    SELECT stream, topic, tenant_id, split_part(partition_key, '|', 2) AS id FROM outbox_events
    WHERE ${ofTenants({ tenants }, sql`tenant_id`)} ORDER BY position DESC LIMIT ${EVENTS}`;
  const names = [...new Set(events.map(({ stream }) => stream))];
  const invoices = events.filter(({ topic }) => PUBLIC_INVOICES.test(topic));
  const keys = distinct(invoices);
  return {
    streams: await countOf((tally) => checkStreams(database, names, tally)),
    invoices: await countOf(async (tally) => {
      for (const [environment, some] of groupBy(invoices, ({ topic }) => topic.split('.')[0] ?? ''))
        await checkInvoices(database, distinct(some), environment, tally);
    }),
    audit: await countOf((tally) => checkInvoiceChains(database, keys, tally)),
    numbers: await countOf((tally) =>
      checkLastNumbers(database, [...new Set(keys.map((key) => key.tenant_id))], tally),
    ),
    commands: await countOf((tally) => checkCommandsOf(database, keys, tally)),
  };
}

/** The first part is the environment. */
const PUBLIC_INVOICES = /^[^.]+\.billing\.public\.invoices\./;

const distinct = (keys: readonly EntityKey[]): EntityKey[] => [
  ...new Map(keys.map((key) => [keyOf(key), key])).values(),
];

async function countOf(check: (tally: Tally) => Promise<unknown>): Promise<number> {
  const tally = createTally();
  await check(tally);
  const { findings, more } = tally.outcome();
  return findings.length + more;
}
