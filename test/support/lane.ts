/**
 * The servers that this test file has for itself while it runs: `npm test` starts a set of them for each lane. A file
 * waits for its turn among the files of every run on this machine, takes the first lane of its own run that no other
 * file has, and gives both back when its last hook is done and every process of the service that it started has ended:
 * the next file would meet a relay that publishes its events.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:net';
import path from 'node:path';
import { afterAll } from 'vitest';
import { filesAtOnceMax } from '../../scripts/stack/speed.mjs';
import { lanes } from './lanes.ts';
import { processesWith } from './processes.ts';
import { waitFor } from './wait.ts';

/** Runs share the machine: each holds one of these ports while a file of it runs. The system frees a dead one's. */
const TURN_PORTS = Array.from({ length: filesAtOnceMax() }, (_, turn) => 10_471 + turn);
const LIMIT_MS = 30 * 60_000;

const listening = (port: number): Promise<Server | undefined> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server.unref()));
  });

async function takeTurn(): Promise<Server | undefined> {
  for (const port of TURN_PORTS) {
    const turn = await listening(port);
    if (turn) return turn;
  }
  return undefined;
}

const testData = ({ TEST_DATA = '' }: Record<string, string>) => TEST_DATA;
const taken = (lane: Record<string, string>) => path.join(testData(lane), 'taken');

function takeLane(lane: Record<string, string>): boolean {
  try {
    writeFileSync(taken(lane), `${process.pid}`, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // A file that could not be loaded, or was killed, gives nothing back: the next look takes it.
    if (!isAlive(Number(readFileSync(taken(lane), 'utf8')))) rmSync(taken(lane));
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

if (lanes.length === 0) throw new Error('There are no servers: run the tests with npm test.');
const turn = await waitFor('a turn', takeTurn, LIMIT_MS);
const lane = await waitFor('a free lane', async () => lanes.find(takeLane), LIMIT_MS);
/** Servers live on: a test that stopped one has started it again, for those that come after it. */
const servicesIn = (one: Record<string, string>) =>
  processesWith('TEST_DATA', testData(one)).filter(({ program }) => program === process.execPath);
afterAll(async () => {
  try {
    await waitFor('the end of what this file started', async () => servicesIn(lane).length === 0);
  } finally {
    rmSync(taken(lane));
    turn.close();
  }
});
Object.assign(process.env, lane);
