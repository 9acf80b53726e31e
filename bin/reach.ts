/** The servers, for a program that a person runs: which one does not answer is said, and not how it failed inside. */
import type { Kafka } from 'kafkajs';
import type { Config } from '../platform/config.ts';
import type { Database } from '../platform/database.ts';
import { createKafka } from '../platform/kafka.ts';
import { createLogger } from '../platform/logger.ts';
import { type Temporal, connectTemporal } from '../platform/temporal.ts';

const KAFKA_RETRIES = 3;

/** Its message is for the person. */
export class Unreachable extends Error {}

/** Throws an Unreachable that names the first server that does not answer. */
export async function reachServers(config: Config, database: Database): Promise<{ temporal: Temporal; kafka: Kafka }> {
  await reachPostgres(config, database);
  const temporal = await reach('Temporal', config.TEMPORAL_ADDRESS, () => connectTemporal(config));
  const kafka = createKafka(config, createLogger({ level: 'silent', name: 'reach' }), { retries: KAFKA_RETRIES });
  const admin = kafka.admin();
  await reach('Kafka', config.KAFKA_BROKERS.join(', '), () => admin.connect());
  await admin.disconnect();
  return { temporal, kafka };
}

export const reachPostgres = ({ DATABASE_URL: url }: Config, database: Database): Promise<unknown> =>
  reach('Postgres', new URL(url).host, () => database.$queryRaw`SELECT 1`);

/** Says which server does not answer, where it was looked for, and what to do. */
async function reach<T>(server: string, address: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new Unreachable(
      `${server} does not answer at ${address}: ${said}\nIs it the one of npm start? Then that must be running. Any other is named in .env or the environment (.env.example).`,
    );
  }
}
