/**
 * How slow this machine is now, beside the one on which the bounds of the tests were chosen: a second of known work
 * there. Whatever else runs on the machine counts.
 */
import { createHash } from 'node:crypto';
import os from 'node:os';

/** So many rounds took a second of one core. */
const ROUNDS = 200_000;
const REFERENCE_MS = 1_000;

const invoice = { id: '0b5f6a3e', name: 'Hosting, November', amount: '1200.00', lines: Array(20).fill('a line') };

/** @returns {number} 1 on the machine of reference, 4 on one that is four times slower; never below 1 */
export function measureSlowness() {
  const from = performance.now();
  for (let round = 0, text = JSON.stringify(invoice); round < ROUNDS; round += 1) {
    const digest = createHash('sha256').update(text).digest('hex');
    text = JSON.stringify({ ...JSON.parse(text), digest });
  }
  return Math.max(1, (performance.now() - from) / REFERENCE_MS);
}

/** A machine that is busy with something else for a moment is slower than it was at the start. */
const GENEROSITY = 3;

/** The bound of something that takes up to `ms` on a machine of the usual speed. */
export const boundOf = (ms, slowness) => Math.round(ms * GENEROSITY * slowness);

/** Test files at once on a machine of the usual speed: much of a test is waiting. */
export const filesAtOnceMax = () => Math.ceil(1.5 * os.availableParallelism());

/** What Postgres, Temporal, Kafka and the service of a lane take. */
const LANE_BYTES = 2 * 2 ** 30;

/**
 * Up to here all lanes run: beside other work more of them get more of the machine, and bounds grow with the slowness.
 */
const SLOW = 4;

/** How many lanes a run of all tests has: as many as the cores have time for, and the memory room. */
export function lanesFor(slowness) {
  const inTime = Math.ceil(filesAtOnceMax() / Math.max(1, slowness / SLOW));
  return Math.max(1, Math.min(inTime, Math.floor(os.freemem() / LANE_BYTES)));
}
