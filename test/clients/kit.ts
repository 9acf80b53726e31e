/**
 * The kit as it is in the package, and a shop that subscribes with it: a database of its own, where each event that is
 * applied leaves a row. Nothing there is unique, so what is applied twice shows.
 */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import kafkajs from 'kafkajs';
import pg from 'pg';
import type * as Kafkajs from '../../clients/typescript/events/src/kafkajs.ts';
import type * as Events from '../../clients/typescript/events/src/index.ts';
import { ensureDatabase } from '../../scripts/stack/postgres.mjs';
import { projectFolder } from '../../scripts/stack/settings.mjs';
import { waitFor } from '../support/wait.ts';

const built = (file: string): string =>
  pathToFileURL(path.join(projectFolder, 'clients/typescript/events/dist', file)).href;

export const kit = (await import(built('index.js'))) as typeof Events;
const { runConsumer } = (await import(built('kafkajs.js'))) as typeof Kafkajs;

export const kafka = new kafkajs.Kafka({
  brokers: (process.env['KAFKA_BROKERS'] ?? '').split(','),
  logLevel: kafkajs.logLevel.NOTHING,
});

export interface Applied {
  stream: string;
  sequence: number;
  type: string;
  id: string;
  factId: string;
}

type Options = Partial<Omit<Kafkajs.ConsumerOptions, 'topics'>> & Pick<Kafkajs.ConsumerOptions, 'topics'>;

export interface Shop {
  pool: pg.Pool;
  groupId: string;
  /** What was applied, in the order of the commits; the rows of one stream are in one order in any case. */
  applied: (stream?: string) => Promise<Applied[]>;
  /** The sequences that were applied of each stream. */
  sequences: () => Promise<Record<string, number[]>>;
  /** Notes an event in its transaction. */
  note: (event: Events.StreamEvent, client: pg.PoolClient) => Promise<void>;
  /** Notes every event, of whatever type. */
  noteAll: Pick<Kafkajs.ConsumerOptions, 'handlers' | 'others'>;
  run: (options: Options) => Promise<Kafkajs.RunningConsumer>;
  close: () => Promise<void>;
}

/** Every type that the tests send. */
const known = [
  'billing.invoice.created.v1',
  'billing.invoice.updated.v1',
  'billing.invoice.finalized.v1',
  'billing.invoice.paid.v1',
  'billing.invoice.paid.v2',
  'billing.event.withheld.v1',
] as const;

export async function openShop(): Promise<Shop> {
  const url = new URL(process.env['DATABASE_URL'] ?? '');
  url.pathname = `/shop_${randomUUID().replaceAll('-', '')}`;
  await ensureDatabase(url.href);
  const pool = new pg.Pool({ connectionString: url.href, max: 10 });
  await pool.query(kit.createInbox);
  await pool.query(`CREATE TABLE applied (
    position bigint GENERATED ALWAYS AS IDENTITY, stream text, sequence int, type text, id text, fact_id text)`);
  const groupId = `shop-${randomUUID()}`;
  const applied: Shop['applied'] = async (stream) => {
    const { rows } = await pool.query<Applied>(
      `SELECT stream, sequence, type, id, fact_id AS "factId" FROM applied
       WHERE $1::text IS NULL OR stream = $1 ORDER BY position`,
      [stream ?? null],
    );
    return rows;
  };
  const note: Shop['note'] = async ({ stream, sequence, type, id, factId }, client) => {
    await client.query('INSERT INTO applied (stream, sequence, type, id, fact_id) VALUES ($1, $2, $3, $4, $5)', [
      stream,
      sequence,
      type,
      id,
      factId,
    ]);
  };
  const noteAll = { handlers: Object.fromEntries(known.map((type) => [type, note])), others: note };
  return {
    pool,
    groupId,
    applied,
    note,
    noteAll,
    sequences: async () => {
      const streams: Record<string, number[]> = {};
      for (const { stream, sequence } of await applied()) (streams[stream] ??= []).push(sequence);
      return streams;
    },
    run: (options) => runConsumer({ kafka, groupId, pool, rest: { baseUrl: nowhere }, ...noteAll, ...options }),
    close: () => pool.end(),
  };
}

/** Where nobody answers: what must not need the service does not. */
export const nowhere = 'http://127.0.0.1:9';

/** 1..n. */
export const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1);

export async function untilApplied(shop: Shop, count: number): Promise<Applied[]> {
  await waitFor(`${count} events`, async () => (await shop.applied()).length >= count);
  return shop.applied();
}

export async function withAdmin<T>(work: (admin: kafkajs.Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Waits until the group has committed everything that is on the topics. */
export const untilCommitted = (groupId: string, topics: readonly string[]): Promise<unknown> =>
  withAdmin((admin) =>
    waitFor('the commit of every offset', async () => {
      const committed = await admin.fetchOffsets({ groupId, topics: [...topics] });
      for (const { topic, partitions } of committed) {
        for (const { partition, high, low } of await admin.fetchTopicOffsets(topic)) {
          const reached = partitions.find((one) => one.partition === partition)?.offset ?? '-1';
          if (high !== low && Number(reached) < Number(high)) return false;
        }
      }
      return true;
    }),
  );
