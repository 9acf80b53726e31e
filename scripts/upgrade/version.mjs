/**
 * A version of the service, run by its own `npm start` on ports and data that it is told: started, stopped as a person
 * stops it, or killed with everything that belongs to it.
 */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { SetupError, say, step } from '../stack/progress.mjs';
import { freePort, isAlive, portAnswers, stopServer, tail, waitUntil } from '../stack/processes.mjs';

/** With packages to install and the Temporal CLI to build. */
const READY_MS = 3 * 60_000;
const END_MS = 2 * 60_000;
const PROBE_MS = 2_000;

/** A server that dies at once. Postgres is told so; its own processes die with it. */
const KILLS = { postgres: 'SIGQUIT', temporal: 'SIGKILL', kafka: 'SIGKILL' };

/** Ports for one pass: both versions take the same ones. */
export async function freePorts() {
  const names = ['PORT', 'POSTGRES_PORT', 'TEMPORAL_PORT', 'TEMPORAL_UI_PORT', 'KAFKA_PORT'];
  const ports = {};
  for (const name of names) ports[name] = String(await freePort());
  return ports;
}

/** The environment of a version: npm's own is left out, since it names another project. */
function environmentOf(settings) {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('npm_') && name !== 'INIT_CWD');
  return { ...Object.fromEntries(own), ...settings };
}

/**
 * Starts the version in `folder` and waits until it is ready. What it says goes to a file beside its data.
 * @returns what runs: `stop` ends it in order, `kill` at once; `end` whatever there is.
 */
export async function startVersion({ name, folder, dataFolder, settings, atMost, goOn }) {
  const log = path.join(dataFolder, 'logs', `${name.replaceAll(' ', '-')}.log`);
  const env = environmentOf({ ...settings, BILLING_DATA: dataFolder });
  const npm = spawnLogged('npm', ['start'], { cwd: folder, env, detached: true }, log);
  const version = runningVersion({ npm, dataFolder, port: Number(settings.PORT), log, atMost });
  try {
    await step(`Starting ${name}`, '30 s; 1 min longer when its packages are missing', () =>
      waitUntil(name, atMost(READY_MS), async () => {
        goOn();
        if (npm.ended()) throw new SetupError(`${name} did not start. The end of ${log}:\n${tail(log)}`);
        const answer = await fetch(`http://127.0.0.1:${settings.PORT}/health/ready`, {
          signal: AbortSignal.timeout(PROBE_MS),
        });
        return answer.ok;
      }),
    );
  } catch (error) {
    await version.end();
    throw error;
  }
  return version;
}

/** Runs a program of `npm` in `folder` to its end, beside a version; resolves with its exit code and what it said. */
export async function runBeside({ folder, args, settings, dataFolder, limitMs }) {
  const log = path.join(dataFolder, 'logs', `${args.at(-1)}.log`);
  const program = spawnLogged('npm', args, { cwd: folder, env: environmentOf(settings) }, log);
  try {
    await waitUntil(`npm ${args.join(' ')}`, limitMs, async () => program.ended());
  } finally {
    if (!program.ended()) program.kill('SIGTERM');
  }
  return { code: program.exitCode(), log, said: readFileSync(log, 'utf8') };
}

function spawnLogged(command, args, options, logFile) {
  mkdirSync(path.dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, { ...options, stdio: ['ignore', log, log] });
  closeSync(log);
  let failure;
  child.once('error', (error) => (failure = error));
  return {
    kill: (signal) => child.kill(signal),
    exitCode: () => child.exitCode,
    ended: () => failure !== undefined || child.exitCode !== null || child.signalCode !== null,
  };
}

function runningVersion({ npm, dataFolder, port, log, atMost }) {
  const lock = path.join(dataFolder, 'start.pid');
  const pidFile = (server) => path.join(dataFolder, 'logs', `${server}.pid`);
  const startPid = () => (existsSync(lock) ? Number(readFileSync(lock, 'utf8')) : undefined);
  const untilEnded = (pids) =>
    waitUntil('The end of what was started', atMost(END_MS), async () => {
      const isThere = pids.some((pid) => pid && isAlive(pid));
      return npm.ended() && !isThere && !(await portAnswers(port));
    });

  async function stop() {
    const pids = [startPid(), servicePid(startPid())];
    npm.kill('SIGTERM');
    await untilEnded(pids);
  }

  /** First who would start the service again, then the service, then the servers. */
  async function kill() {
    const pids = [startPid(), servicePid(startPid())].filter(Boolean);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await Promise.all(Object.entries(KILLS).map(([server, signal]) => stopServer(server, pidFile(server), signal)));
    await untilEnded(pids);
  }

  /** At the end of a pass, whatever has happened in it. */
  async function end() {
    if (!npm.ended()) await stop().catch((error) => say(error.message));
    if (!npm.ended()) await kill().catch((error) => say(error.message));
    for (const server of Object.keys(KILLS)) await stopServer(server, pidFile(server));
  }

  return {
    stop,
    kill,
    end,
    log,
    said: () => readFileSync(log, 'utf8'),
    hasServer: (server) => existsSync(pidFile(server)),
    stopServer: (server, signal) => stopServer(server, pidFile(server), signal),
    killServer: (server) => stopServer(server, pidFile(server), KILLS[server]),
  };
}

/** The service that `npm start` runs: its child with the program of all parts. */
function servicePid(startPid) {
  if (!startPid) return undefined;
  const lines = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n');
  const children = lines.map((line) => line.trim().split(/\s+/)).filter(([, parent]) => Number(parent) === startPid);
  const service = children.find((words) => words.some((word) => word.endsWith('bin/all.js')));
  return service && Number(service[0]);
}
