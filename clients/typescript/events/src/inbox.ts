/** The subscriber's table of how far each stream was applied, and the transaction that it is changed in. */
import { readFileSync } from 'node:fs';
import type { Pool, PoolClient } from 'pg';

/** The statement that makes the table `inbox`, for the subscriber's own migrations. */
export const createInbox = readFileSync(new URL('../inbox.sql', import.meta.url), 'utf8');

/** Locks a stream until the transaction ends; gives its last sequence, 0 for a stream that is new. */
export async function lockStream(client: PoolClient, consumer: string, stream: string): Promise<number> {
  const { rows } = await client.query<{ last: string }>(
    `INSERT INTO inbox (consumer, stream) VALUES ($1, $2)
     ON CONFLICT (consumer, stream) DO UPDATE SET last_sequence = inbox.last_sequence
     RETURNING last_sequence::text AS last`,
    [consumer, stream],
  );
  return Number(rows[0]?.last);
}

export async function moveStream(client: PoolClient, consumer: string, stream: string, last: number): Promise<void> {
  await client.query('UPDATE inbox SET last_sequence = $3, updated_at = now() WHERE consumer = $1 AND stream = $2', [
    consumer,
    stream,
    last,
  ]);
}

/** What throws in it has changed nothing. */
export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  // A connection that is lost between two statements fails the next one; without a listener it would end the process.
  const ignore = () => undefined;
  client.on('error', ignore);
  let isSound = false;
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    isSound = true;
    return result;
  } catch (error) {
    isSound = await client.query('ROLLBACK').then(
      () => true,
      () => false,
    );
    throw error;
  } finally {
    client.off('error', ignore);
    client.release(!isSound);
  }
}
