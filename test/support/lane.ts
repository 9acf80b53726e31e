/**
 * The servers that this test file has for itself while it runs: `npm test` starts a set of them for each lane. A file
 * takes the first lane that no other has, and gives it back when its last hook is done.
 */
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll } from 'vitest';
import { lanes } from './lanes.ts';
import { waitFor } from './wait.ts';

/** Longer than a file takes that ends late: there is one lane for each file that runs at once. */
const LIMIT_MS = 60_000;

const taken = ({ TEST_DATA = '' }: Record<string, string>) => path.join(TEST_DATA, 'taken');

function take(lane: Record<string, string>): boolean {
  try {
    writeFileSync(taken(lane), `${process.pid}`, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

if (lanes.length === 0) throw new Error('There are no servers: run the tests with npm test.');
const lane = await waitFor('a free lane', async () => lanes.find(take), LIMIT_MS);
afterAll(() => rmSync(taken(lane)));
Object.assign(process.env, lane);
