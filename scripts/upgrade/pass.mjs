/** One upgrade: the version before makes state and ends in the midst of its work, the new one goes on with it. */
import { randomUUID } from 'node:crypto';
import { SetupError, step } from '../stack/progress.mjs';
import { waitUntil } from '../stack/processes.mjs';
import { backlogOf, checkEverything } from './after.mjs';
import { beginRun, makeBacklog, makeState, sendLast } from './before.mjs';
import { createCaller } from './caller.mjs';
import { expect } from './report.mjs';
import { connectTemporal, createBroker, createSql } from './servers.mjs';
import { freePorts, startVersion } from './version.mjs';

/** Overdue begins so long after finalizing, on a machine of the usual speed: after the version before has ended. */
const OVERDUE_MS = 20_000;

/** @param ending `stopped`: as a person stops it; `killed`: service and servers at once */
export async function upgrade({ ending, before, after, dataFolder, report, atMost, slowness, goOn }) {
  const overdueAfterMs = Math.round(OVERDUE_MS * slowness);
  const settings = { ...(await freePorts()), ...settingsWith(overdueAfterMs) };
  const base = { report, atMost, goOn, dataFolder, settings, overdueAfterMs, after, waitFor: waiting(atMost, goOn) };
  const world = { ...base, ...toolsOf(base) };
  const left = await withVersion(world, { name: 'the version before', folder: before }, (running) =>
    liveBefore(running, ending),
  );
  await withVersion(world, { name: 'the new version', folder: after }, async (running) => {
    await report.check('the new version starts on the data', () => migrationsIn(running.version));
    await checkEverything(running, left);
  });
}

/** Servers of its own, whatever the environment names, and what both versions must agree on. */
const settingsWith = (overdueAfterMs) => ({
  DATABASE_URL: '',
  TEMPORAL_ADDRESS: '',
  KAFKA_BROKERS: '',
  TEMPORAL_NAMESPACE: 'billing',
  NODE_ENV: 'development',
  LOG_LEVEL: 'warn',
  TEST_OVERDUE_AFTER_MS: String(overdueAfterMs),
});

/** Asks until there is something, at most as long as `ms` takes here; resolves with it. */
const waiting = (atMost, goOn) => async (what, ms, ask) => {
  let answer;
  await waitUntil(what, atMost(ms), async () => {
    goOn();
    answer = await ask();
    return answer;
  });
  return answer;
};

function toolsOf({ settings, atMost, waitFor }) {
  const url = `http://127.0.0.1:${settings.PORT}`;
  return {
    caller: createCaller({ url, tenantId: randomUUID(), atMost, waitFor }),
    sql: createSql(Number(settings.POSTGRES_PORT), atMost),
    broker: createBroker(Number(settings.KAFKA_PORT), atMost),
  };
}

/** Starts a version, does the work, and ends the version if the work has not. */
async function withVersion(world, { name, folder }, work) {
  const startedAt = Date.now();
  const version = await startVersion({ ...world, name, folder });
  let temporal;
  try {
    temporal = await connectTemporal(world.settings.TEMPORAL_PORT, world.atMost);
    return await work({ ...world, version, temporal, startedAt });
  } finally {
    await temporal?.close();
    await version.end();
  }
}

async function liveBefore(world, ending) {
  const { report, version } = world;
  if (!version.hasServer('kafka')) throw new SetupError('the upgrade needs Kafka: install Java 17 and Maven.');
  const state = await step('Making state with it', '20 s', () => makeState(world));
  await (ending === 'killed' ? version.killServer('kafka') : version.stopServer('kafka'));
  const backlog = await makeBacklog(world, state);
  const run = await beginRun(world, state.due);
  const waitingEvents = await backlogOf(world);
  const firedBefore = (await world.caller.get(`/v1/invoices/${backlog.firing}`)).overdue;
  const { status } = await world.caller.get(run.path);
  const untilBack = sendLast(world, state);
  await step(`The version before is ${ending}`, '5 s', () => (ending === 'killed' ? version.kill() : version.stop()));
  await run.release();
  const cutOff = await untilBack();
  await report.check('it ended in the midst of a billing run, with a backlog', () => {
    expect(status === 'running', `the billing run was ${status}`);
    expect(waitingEvents > 0, 'nothing waited for Kafka');
    return `${waitingEvents} events waited`;
  });
  return { ...state, backlog: { ...backlog, firedBefore }, run, cutOff };
}

/** What the start said of the database. */
const migrationsIn = (version) => version.said().match(/Postgres: (?:applied .*|the schema is up to date)/)?.[0];
