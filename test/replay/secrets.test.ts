/**
 * After all other tests: in the logs of every process that they have started, at whatever level, and in the histories
 * that they have left in Temporal, there is no secret.
 */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newEncryptionKey } from '../../platform/codec.ts';
import { type Temporal, connectTemporal } from '../../platform/temporal.ts';
import { lanes } from '../support/lanes.ts';
import { secretsIn } from '../support/secrets.ts';
import { testConfig } from '../support/system.ts';

/** In each lane, the newest first. */
const HISTORIES_MAX = 400;

const temporals: Temporal[] = [];
beforeAll(async () => {
  for (const { TEMPORAL_ADDRESS = '' } of lanes)
    temporals.push(await connectTemporal(await testConfig({ TEMPORAL_ADDRESS })));
});
afterAll(async () => {
  for (const { connection } of temporals) await connection.close();
});

it.each([
  'Authorization: Bearer 0123456789abcdef0123456789abcdef',
  'bk_01a22a12-d2d4-72eb-aedb-4e6a042ebc33_0123456789abcdef0123456789abcdef',
  'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl',
  'postgresql://billing:geheim@db.example.com/billing',
  newEncryptionKey('plum-1'),
  '-----BEGIN EC PRIVATE KEY-----',
])('%s would be found', (text) => {
  expect(secretsIn(`{"msg":"${text}"}`)).not.toEqual([]);
});

it('no log of any process has a secret', () => {
  const files = lanes.flatMap(({ TEST_DATA = '' }) => {
    const folder = path.join(TEST_DATA, 'logs');
    return readdirSync(folder).map((name) => path.join(folder, name));
  });
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) expect({ file, found: secretsIn(readFileSync(file, 'utf8')) }).toEqual({ file, found: [] });
});

/** Every text in a history, payloads decoded. */
function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (typeof value === 'object' && value !== null) return Object.values(value).map(textOf).join('\n');
  return String(value);
}

it('no history of any workflow has a secret', async () => {
  let seen = 0;
  for (const { client } of temporals) {
    let taken = 0;
    for await (const { workflowId, runId } of client.workflow.list()) {
      if ((taken += 1) > HISTORIES_MAX) break;
      seen += 1;
      const text = textOf(await client.workflow.getHandle(workflowId, runId).fetchHistory());
      expect({ workflowId, found: secretsIn(text) }).toEqual({ workflowId, found: [] });
    }
  }
  expect(seen).toBeGreaterThan(0);
});
