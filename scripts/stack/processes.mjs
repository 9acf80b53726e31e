/**
 * Starts servers so that they outlive a Ctrl-C in the terminal (they are stopped in order, by pid), and finds again
 * those that an earlier start left running.
 *
 * Always true: a server is stopped by the pid that was written down when it was started, and only when the process
 * with that pid still has the command line that was written down.
 */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SetupError } from './progress.mjs';

const POLL_MS = 50;
const STOP_LIMIT_MS = 60_000;
/** Only for a server that hangs: one that ends is seen at once, and a slow machine needs its time. */
export const READY_LIMIT_MS = 5 * 60_000;

/** Asks `probe` until it answers true; a failing probe counts as "not yet". */
export async function waitUntil(what, limitMs, probe) {
  const deadline = Date.now() + limitMs;
  let last;
  while (Date.now() < deadline) {
    try {
      if (await probe()) return;
    } catch (error) {
      if (error instanceof SetupError) throw error;
      last = error;
    }
    await pause(POLL_MS);
  }
  throw new SetupError(
    `${what} was not ready within ${limitMs / 1000} s${last ? ` (last answer: ${last.message})` : ''}.`,
  );
}

export const isAlive = (pid) => {
  try {
    process.kill(pid, 0);
    return commandLine(pid) !== '';
  } catch {
    return false;
  }
};

/**
 * The command line of a running process, or '' when there is none (a zombie has none either). `Zl` is one whose other
 * threads are still about to end, and hold its ports.
 */
function commandLine(pid) {
  try {
    const [state, ...rest] = execFileSync('ps', ['-ww', '-o', 'stat=,args=', '-p', String(pid)], { encoding: 'utf8' })
      .trim()
      .split(/\s+/);
    return state?.startsWith('Z') && !state.includes('l') ? '' : rest.join(' ');
  } catch {
    return '';
  }
}

export function portAnswers(port) {
  return new Promise((resolve) => {
    const socket = net.connect({ host: '127.0.0.1', port, timeout: 500 });
    const end = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}

/** Below the ports that systems give to outgoing connections: one of those could take it before its server does. */
const FREE_FROM = 15_000;
const FREE_TO = 32_000;
const FREE_TRIES = 50;

/** A port that nobody listens on, at random, so that runs side by side do not choose the same one. */
export async function freePort() {
  for (let tries = 0; tries < FREE_TRIES; tries += 1) {
    const port = FREE_FROM + Math.floor(Math.random() * (FREE_TO - FREE_FROM));
    if (await canListen(port)) return port;
  }
  throw new SetupError(`no free port was found between ${FREE_FROM} and ${FREE_TO}.`);
}

const canListen = (port) =>
  new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/**
 * Starts `command` detached, its output in `logFile`, its pid in `folder/name.pid`.
 * When the same server still runs from an earlier start, that one is taken. When somebody else holds one of `ports`,
 * the start stops with a message that names the setting to change.
 */
export async function startServer({ name, folder, command, args, options = {}, ports }) {
  mkdirSync(folder, { recursive: true });
  const pidFile = path.join(folder, `${name}.pid`);
  const logFile = path.join(folder, `${name}.log`);
  const running = readPidFile(pidFile);
  if (running) return { name, pid: running.pid, logFile, stop: () => stopServer(name, pidFile) };

  for (const { port, setting } of ports) {
    if (await portAnswers(port)) {
      throw new SetupError(
        `port ${port} is taken, and ${name} needs it. Stop what listens there, or choose another port: ${setting}=<port>.`,
      );
    }
  }
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, { ...options, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  let ended;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, signal) => (ended ??= `it ended with ${signal ?? code}`));
  child.unref();
  await pause(POLL_MS);
  const record = { pid: child.pid, command: child.pid ? commandLine(child.pid) : '' };
  writeFileSync(pidFile, JSON.stringify(record));
  return {
    name,
    pid: child.pid,
    logFile,
    stop: () => stopServer(name, pidFile),
    /** Throws when the server has ended, with the end of its log: asked while waiting for it to become ready. */
    assertRunning() {
      if (ended) throw new SetupError(`${name} did not start: ${ended}. The end of ${logFile}:\n${tail(logFile)}`);
    },
  };
}

function readPidFile(pidFile) {
  if (!existsSync(pidFile)) return undefined;
  try {
    const record = JSON.parse(readFileSync(pidFile, 'utf8'));
    if (record.pid && record.command && commandLine(record.pid) === record.command) return record;
  } catch {
    // An unreadable pid file was cut off while being written: the server it names was not ours yet.
  }
  rmSync(pidFile, { force: true });
  return undefined;
}

/** Stops the server that the pid file names now: it may have been started again in the meantime. */
export async function stopServer(name, pidFile, signal = stopSignal(name)) {
  const record = existsSync(pidFile) ? JSON.parse(readFileSync(pidFile, 'utf8')) : {};
  if (record.pid && isAlive(record.pid)) {
    process.kill(record.pid, signal);
    const deadline = Date.now() + STOP_LIMIT_MS;
    while (isAlive(record.pid) && Date.now() < deadline) await pause(POLL_MS);
    if (isAlive(record.pid)) process.kill(record.pid, 'SIGKILL');
  }
  rmSync(pidFile, { force: true });
}

/** Stops what still runs of the servers whose pid files are in folders `logs` below `folder`. */
export async function stopServersBelow(folder) {
  const pidFiles = readdirSync(folder, { recursive: true }).filter((file) => /(^|\/)logs\/\w+\.pid$/.test(file));
  for (const file of pidFiles) {
    const pidFile = path.join(folder, file);
    if (readPidFile(pidFile)) await stopServer(path.basename(file, '.pid'), pidFile);
  }
}

// Postgres takes SIGINT as "disconnect everybody and stop"; SIGTERM would wait for its clients.
const stopSignal = (name) => (name === 'postgres' ? 'SIGINT' : 'SIGTERM');

/** The last lines of a log. */
export function tail(file, lines = 15) {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(-lines).join('\n');
  } catch {
    return '(empty)';
  }
}

/**
 * Runs a command to its end, its output in `logFile`; rejects with the end of that log. A SIGTERM is passed on, so that
 * nothing is left running; a Ctrl-C reaches the command by itself.
 */
export function run(command, args, { logFile, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const log = logFile ? openSync(logFile, 'a') : 'inherit';
    const child = spawn(command, args, { ...options, stdio: ['ignore', log, log] });
    if (logFile) closeSync(log);
    const passOn = () => child.kill('SIGTERM');
    process.on('SIGTERM', passOn);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      process.off('SIGTERM', passOn);
      if (code === 0) return resolve();
      const output = logFile ? ` The end of ${logFile}:\n${tail(logFile)}` : '';
      reject(new SetupError(`${path.basename(command)} ${args[0] ?? ''} ended with ${signal ?? code}.${output}`));
    });
  });
}

/** The full path of a program on the PATH, or undefined. */
export function onPath(program) {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const candidate = path.join(folder, program);
    if (folder && existsSync(candidate)) return candidate;
  }
  return undefined;
}
