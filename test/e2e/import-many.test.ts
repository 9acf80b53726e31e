/**
 * Many rows imported and finalized, while the import itself is killed: run again it completes what is missing, in
 * memory that does not grow with the file.
 *
 * `npm test` takes two thousand; `npm run test:import-many` takes 100,000 and prints what it measured.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createWriteStream, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { audit } from '../../operations/verify/audit.ts';
import { commands } from '../../operations/verify/commands.ts';
import { invoices } from '../../operations/verify/invoices.ts';
import { numbers } from '../../operations/verify/numbers.ts';
import { streams } from '../../operations/verify/streams.ts';
import { verify } from '../../operations/verify/verify.ts';
import type { Database } from '../../platform/database.ts';
import { testDatabase } from '../support/database.ts';
import { type Service, startService } from '../support/service.ts';
import { atMost } from '../support/speed.ts';
import { foundIn } from '../support/verifier.ts';
import { waitFor } from '../support/wait.ts';

const { TEST_DATA = '', TEST_DIST = '' } = process.env;
const ROWS = Number(process.env['IMPORT_MANY_ROWS'] ?? 2_000);
const KILLS = 2;
const LIMIT_MS = 60 * 60_000;
/** Of the memory in the second half of a run to that in the first. */
const GROWTH_MAX = 1.25;

let database: Database;
let service: Service;
beforeAll(async () => {
  database = testDatabase();
  service = await startService();
});
afterAll(async () => {
  await service?.stop();
  await database?.$disconnect();
});

async function writeCsv(file: string): Promise<void> {
  const stream = createWriteStream(file);
  stream.write('number,amount,customerReference\n');
  for (let n = 1; n <= ROWS; n += 1) stream.write(`N-${n},${(n % 1_000) + 0.5},C-${n % 97}\n`);
  await new Promise((resolve) => stream.end(() => resolve(undefined)));
}

interface Importing {
  child: ChildProcess;
  ended: Promise<{ code: number | null; output: string }>;
}

function startImport(file: string, tenantId: string): Importing {
  const options = ['--url', service.url, '--tenant', tenantId, '--currency', 'EUR', '--finalize'];
  const child = spawn(process.execPath, [path.join(TEST_DIST, 'bin/import.js'), file, ...options]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  return { child, ended: new Promise((resolve) => child.once('exit', (code) => resolve({ code, output }))) };
}

const memoryOf = ({ pid }: ChildProcess): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

it(
  'INV-07, INV-21: rows are imported once each, though the import is killed twice, in memory that does not grow',
  async () => {
    const tenantId = randomUUID();
    const file = path.join(TEST_DATA, 'many.csv');
    await writeCsv(file);
    const made = () => database.invoice.count({ where: { tenantId, status: 'finalized' } });
    const startedAt = performance.now();
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const { child, ended } = startImport(file, tenantId);
      await waitFor(`part ${kill}`, async () => (await made()) >= (ROWS * kill) / 4, LIMIT_MS);
      child.kill('SIGKILL');
      await ended;
    }
    const last = startImport(file, tenantId);
    const memory: number[] = [];
    const sampling = setInterval(() => memory.push(memoryOf(last.child)), 250);
    last.child.once('exit', () => clearInterval(sampling));
    const { code, output } = await last.ended;
    const seconds = (performance.now() - startedAt) / 1000;
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(await made()).toBe(ROWS);
    expect(await database.outboxEvent.count({ where: { tenantId } })).toBe(ROWS * 3);
    await waitFor(
      'publishing',
      async () => (await database.outboxEvent.count({ where: { tenantId, publishedAt: null } })) === 0,
      LIMIT_MS,
    );
    const world = { database, environment: 'test', shards: 1, tenants: [tenantId] } as unknown as Parameters<
      typeof verify
    >[0];
    const reports = await verify(world, { checks: [streams, invoices, audit, numbers, commands], graceMs: 0 });
    expect(foundIn(reports)).toEqual({});
    const half = Math.floor(memory.length / 2);
    const [early, late] = [memory.slice(0, half), memory.slice(half)].map((some) => Math.max(...some));
    console.info(
      `${ROWS} rows in ${seconds.toFixed(0)} s, ${(ROWS / seconds).toFixed(0)}/s, with ${KILLS} kills; memory of the import ${early?.toFixed(0)} and ${late?.toFixed(0)} MB`,
    );
    grown = (late ?? 0) / (early ?? 1);
    // Nobody waits for the pages of all of them.
    await database.workflowWakeup.deleteMany({ where: { tenantId } });
  },
  atMost(LIMIT_MS),
);

let grown = 0;
// A short run is over before the process has the memory that it needs anyway.
it.runIf(ROWS >= 50_000)('an import needs no more memory for more rows', () => expect(grown).toBeLessThan(GROWTH_MAX));
