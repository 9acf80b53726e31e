/** The checks of `npm run verify`, on a system of the tests. */
import { catalogue } from '../../registry/catalogue.ts';
import { topicsOf } from '../../messaging/cloud-event.ts';
import { createKafka } from '../../platform/kafka.ts';
import { readLog } from '../../platform/kafka-log.ts';
import { createLogger } from '../../platform/logger.ts';
import type { World } from '../../operations/verify/check.ts';
import { allChecks } from '../../operations/verify/checks.ts';
import { type CheckReport, verify } from '../../operations/verify/verify.ts';
import { atMost } from './speed.ts';
import type { System } from './system.ts';
import { waitFor } from './wait.ts';

const READ_LOG_LIMIT_MS = atMost(60_000);
const logger = createLogger({ level: 'silent', name: 'test' });

/** What the checks look at of a system. */
type Seen = Pick<System, 'config' | 'database' | 'temporal'>;

/** Everything there is of some tenants: what other tests have left behind is not theirs. */
export const worldOf = ({ config, database, temporal }: Seen, tenants: readonly string[]): World => ({
  database,
  temporal: temporal.client,
  readLog: (onRecords) =>
    readLog(createKafka(config, logger, { retries: 3 }), {
      topics: topicsOf(catalogue, config.NODE_ENV),
      onRecords,
      limitMs: READ_LOG_LIMIT_MS,
    }),
  environment: config.NODE_ENV,
  shards: config.OUTBOX_SHARDS,
  tenants,
});

export const verifyTenants = (system: Seen, tenants: readonly string[], graceMs: number): Promise<CheckReport[]> =>
  verify(worldOf(system, tenants), { checks: allChecks, graceMs });

/** Waits until the checks find nothing: what is under way settles by itself, what is wrong stays. */
export const untilSound = (system: Seen, tenants: readonly string[]): Promise<true> =>
  waitFor('checks that find nothing', async () => {
    const found = foundIn(await verifyTenants(system, tenants, 0));
    if (Object.keys(found).length > 0) throw new Error(JSON.stringify(found));
    return true;
  });

/** What was found: the checks with their findings, as text. */
export const foundIn = (reports: readonly CheckReport[]): Record<string, string[]> =>
  Object.fromEntries(
    reports
      .filter(({ findings, failure }) => findings.length > 0 || failure !== undefined)
      .map(({ name, findings, failure }) => [
        name,
        [...findings.map(({ id, problem }) => `${id}: ${problem}`), ...(failure === undefined ? [] : [failure])],
      ]),
  );
