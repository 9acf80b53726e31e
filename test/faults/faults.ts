/** What can go wrong, by name: each fault is made and healed before it resolves. */
import { fileURLToPath } from 'node:url';
import type { LossyProxy } from '../support/lossy-proxy.ts';
import { type OwnKafka, servers } from '../support/servers.ts';
import { staffOf } from '../support/staff.ts';
import type { Part, Service } from '../support/service.ts';
import type { Temporal } from '../../platform/temporal.ts';
import type { Database } from '../../platform/database.ts';
import { faultPointNames } from '../../platform/fault-points.ts';
import { waitFor } from '../support/wait.ts';
import type { Random } from './random.ts';

export interface World {
  service: Service;
  temporal: Temporal;
  database: Database;
  kafka: OwnKafka;
  /** What stands between the service and its servers. */
  proxies: Readonly<Record<'postgres' | 'kafka', LossyProxy>>;
  tenantId: string;
  random: Random;
  /** Ids of the invoices so far. */
  ids: readonly string[];
}

const AWAY_MS = 2_500;
/** Longer than a relay's heartbeat timeout: Temporal gives its work to another one while it sleeps. */
const PAUSED_MS = 7_000;
const PASS_MAX = 6;
/** As long as a caller or the relay may be busy with other things; the load may also be over. */
const ANSWER_DUE_MS = 2_000;
const ANSWERS_LOST = 3;
const CLOCK_JUMPS_MS = [-3_600_000, 3_600_000];
const JUMPING_CLOCK = fileURLToPath(new URL('../support/jumping-clock.mjs', import.meta.url));

/** How long a fault lasts is part of the fault. */
const lasting = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Answers that a server gives and nobody hears. */
async function loseAnswers(proxy: LossyProxy): Promise<void> {
  for (let n = 0; n < ANSWERS_LOST; n += 1) {
    const before = proxy.lost();
    proxy.loseNextAnswer();
    await waitFor('a lost answer', async () => proxy.lost() > before, ANSWER_DUE_MS).catch(() => undefined);
  }
}

/** Some invoice's workflow; nothing when there is none yet. */
async function someWorkflow(
  { temporal, tenantId, random, ids }: World,
  act: (staff: ReturnType<typeof staffOf>) => Promise<unknown>,
) {
  if (ids.length === 0) return;
  // It may have ended, or not be there yet: then there is nothing to do wrong.
  await act(staffOf(temporal.client, temporal.namespace, tenantId, random.pick(ids))).catch(() => undefined);
}

/** Longer than a transaction may be idle, and than the SDK's own limit of an activation. */
const FROZEN_MIN_MS = 3_000;
const FROZEN_MAX_MS = 15_000;

/** A machine that is paused for a moment. */
async function frozen({ service, random }: World, part: Part): Promise<void> {
  const goOn = service.pause(part);
  await lasting(FROZEN_MIN_MS + random.below(FROZEN_MAX_MS - FROZEN_MIN_MS));
  goOn();
}

export const faults: Readonly<Record<string, (world: World) => Promise<void>>> = {
  'worker killed': ({ service }) => service.replace('worker', 'SIGKILL'),
  'worker drained': ({ service }) => service.replace('worker', 'SIGTERM'),
  'API killed': ({ service }) => service.replace('api', 'SIGKILL'),
  'API drained': ({ service }) => service.replace('api', 'SIGTERM'),
  'consumer killed': ({ service }) => service.replace('consumer', 'SIGKILL'),
  'power cut at a fault point': async ({ service, random }) => {
    const point = random.pick(faultPointNames);
    const part = point === 'after-effect' ? 'consumer' : 'worker';
    await service.replace(part, 'SIGTERM', { TEST_FAULTS: `${point}=${1 + random.below(PASS_MAX)}` });
    await lasting(AWAY_MS);
    await service.replace(part, 'SIGKILL');
  },
  'worker paused while another takes over': async ({ service }) => {
    const endSecond = service.addWorker();
    const goOn = service.pause('worker');
    await lasting(PAUSED_MS);
    goOn();
    await lasting(AWAY_MS);
    await endSecond();
  },
  'worker frozen': (world) => frozen(world, 'worker'),
  'API frozen': (world) => frozen(world, 'api'),
  'consumer frozen': (world) => frozen(world, 'consumer'),
  'clock of the worker jumps an hour': async ({ service, random }) => {
    await service.replace('worker', 'SIGTERM', {
      NODE_OPTIONS: `--import=${JUMPING_CLOCK}`,
      CLOCK_JUMP_MS: String(random.pick(CLOCK_JUMPS_MS)),
      CLOCK_JUMP_AFTER_MS: String(AWAY_MS),
    });
    await lasting(2 * AWAY_MS);
    await service.replace('worker', 'SIGTERM');
  },
  'Postgres killed': async () => {
    await servers.killPostgres();
    await lasting(AWAY_MS);
    await servers.startPostgres();
  },
  'connections cut': async ({ database }) => {
    await database.$executeRaw`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name LIKE 'billing%' AND pid <> pg_backend_pid()`;
  },
  'answers to COMMIT lost': ({ proxies }) => loseAnswers(proxies.postgres),
  'acknowledgements of Kafka lost': ({ proxies }) => loseAnswers(proxies.kafka),
  'Kafka stopped': async ({ kafka }) => {
    await kafka.stop();
    await lasting(AWAY_MS);
    await kafka.start();
  },
  'Kafka killed': async ({ kafka }) => {
    await kafka.stop('SIGKILL');
    await kafka.start();
  },
  'Temporal killed': async () => {
    await servers.killTemporal();
    await lasting(AWAY_MS);
    await servers.startTemporal();
  },
  'workflow terminated': (world) => someWorkflow(world, (staff) => staff.terminate()),
  'workflow reset': (world) => someWorkflow(world, (staff) => staff.resetToBeginning()),
  'cancellation requested': (world) => someWorkflow(world, (staff) => staff.requestCancellation()),
};

/** Everything runs again, whatever the faults have left. */
export async function heal({ service }: World): Promise<void> {
  for (const part of ['worker', 'api', 'consumer'] as const) service.revive(part);
  await waitFor('the service', async () => (await fetch(`${service.url}/health/ready`)).ok, 60_000);
}
