/**
 * `npm test`: sets everything up and runs every test on real servers, with ports and data of its own, so that it can
 * run beside `npm start` and beside itself. Arguments go to vitest. Ends with a line `N passed, N failed`.
 *
 * Much of a test is waiting, so several files run at once, each in a lane with servers of its own: tests stop and kill
 * them. A run of some tests only has one lane. How slow the machine is decides how many lanes there are, and how long
 * tests wait at most (test/support/speed.ts).
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { build } from './build.mjs';
import { buildClients } from './clients.mjs';
import { installPackages } from './stack/install.mjs';
import { freePort, run, stopServersBelow } from './stack/processes.mjs';
import { SetupError, fail, say, step } from './stack/progress.mjs';
import { projectFolder } from './stack/settings.mjs';
import { lanesFor, measureSlowness } from './stack/speed.mjs';
import { startStack } from './stack/stack.mjs';
import { findTimeSkippingServer } from './stack/time-skipping.mjs';

const data = path.join(projectFolder, '.data');
mkdirSync(data, { recursive: true });
const dataFolder = mkdtempSync(path.join(data, 'test-'));
chmodSync(dataFolder, 0o755); // Postgres may run as another user
const report = path.join(dataFolder, 'report.json');
const dist = path.join(dataFolder, 'dist');
// Servers of their own, whatever the person's environment names: tests write, and kill.
for (const name of ['DATABASE_URL', 'TEMPORAL_ADDRESS', 'KAFKA_BROKERS', 'TEMPORAL_NAMESPACE'])
  delete process.env[name];

const stacks = [];
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => (interrupted = true));

async function main() {
  await installPackages();
  const timeSkippingServer = await findTimeSkippingServer(path.join(dataFolder, 'logs'), dataFolder);
  // Before anything else is started: what it does itself is not how slow the machine is.
  const slowness = measureSlowness();
  const building = step('Building the service', '5 s', () => Promise.all([build(dist), buildClients()]));
  building.catch(() => {});
  const lanes = process.argv.length > 2 ? 1 : lanesFor(slowness);
  say(`This machine is ${slowness.toFixed(1)} times as slow as usual: ${lanes} test files at once`);
  const environments = [];
  for (let lane = 1; lane <= lanes; lane += 1)
    environments.push(await startLane(path.join(dataFolder, `lane-${lane}`)));
  await building;
  if (interrupted) throw new SetupError('interrupted.');
  const vitest = path.join(projectFolder, 'node_modules', 'vitest', 'vitest.mjs');
  await run(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)], {
    cwd: projectFolder,
    env: {
      ...process.env,
      TEST_LANES: JSON.stringify(environments),
      TEST_SLOWNESS: String(slowness),
      TEST_TIME_SKIPPING_SERVER: timeSkippingServer,
      TEST_DIST: dist,
      WORKFLOW_BUNDLE: path.join(dist, 'workflow-bundle.js'),
    },
  });
}

/** Starts the servers of a lane; returns what its tests find in their environment. */
async function startLane(folder) {
  mkdirSync(folder);
  const ports = {
    postgresPort: await freePort(),
    temporalPort: await freePort(),
    webUiPort: await freePort(),
    kafkaPort: await freePort(),
  };
  const stack = await startStack({ dataFolder: folder, ...ports });
  stacks.push(stack);
  if (!stack.kafkaRunning) throw new SetupError('the tests need Kafka: install Java 17 and Maven.');
  return { ...stack.environment, TEST_DATA: folder, TEST_PORTS: JSON.stringify(ports) };
}

const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];

/** From vitest's report; a run that made none has failed. */
function printTotals() {
  try {
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
    const brokenFiles = testResults.filter(
      ({ status, assertionResults }) => status === 'failed' && assertionResults.every((one) => one.status !== 'failed'),
    );
    process.stdout.write(`${numPassedTests} passed, ${numFailedTests + brokenFiles.length} failed\n`);
  } catch {
    process.stdout.write('0 passed, 1 failed\n');
    process.exitCode = 1;
  }
}

try {
  await main();
} catch (error) {
  fail(error);
} finally {
  for (const stack of stacks) await stack.stop();
  // Servers of its own that a test did not get to stop, because the run was interrupted.
  await stopServersBelow(dataFolder);
  printTotals();
  // Kept after a failure: the servers' logs are in it.
  if (process.exitCode) say(`Logs are in ${dataFolder}, below logs/ of each lane`);
  else rmSync(dataFolder, { recursive: true, force: true });
}
