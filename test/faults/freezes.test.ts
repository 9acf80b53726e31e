/**
 * A process that stands still inside a transaction, longer than Postgres lets one be idle: a machine that is paused, a
 * snapshot, a debugger. Postgres ends the session. That is no bug: nobody is answered 500, and no payment becomes a
 * dead letter.
 */
import type { WireCashier } from '../../cashiers/members.ts';
import { randomUUID } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import type { Database } from '../../platform/database.ts';
import { createCaller } from '../support/caller.ts';
import { testDatabase } from '../support/database.ts';
import { outcomesIn, paymentMessage, startGateway } from '../support/gateway.ts';
import { type Part, type Service, startService } from '../support/service.ts';
import { testConfig } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

const database: Database = testDatabase();
let service: Service | undefined;
afterEach(async () => {
  await service?.stop();
  service = undefined;
});

/** Starts the service, and lets a part stand still before its next commit. */
async function freezingBeforeCommit(part: Part): Promise<Service> {
  service = await startService({ consumer: true });
  await service.replace(part, 'SIGTERM', { TEST_FAULTS: 'before-commit=1:freeze' });
  if (part === 'api') await untilReady(service);
  return service;
}

const untilReady = ({ url }: Service) => waitFor('the API', async () => (await fetch(`${url}/health/ready`)).ok);

/** Waits until Postgres has ended the session of the part that stands still. */
async function untilSessionEnded(part: Part): Promise<void> {
  const sessions = async () => {
    const [row] = await database.$queryRaw<{ n: bigint }[]>`
      SELECT count(*) AS n FROM pg_stat_activity
      WHERE application_name = ${`billing-${part}`} AND state LIKE 'idle in transaction%'`;
    return row?.n;
  };
  await waitFor('the end of the session', async () => (await sessions()) === 0n);
}

it('a worker inside a step: the caller gets the answer, and never 500', async () => {
  const { url, untilFrozen } = await freezingBeforeCommit('worker');
  const ann = createCaller(url, randomUUID());
  const drafted = ann.draft();
  const goOn = await untilFrozen('worker');
  await untilSessionEnded('worker');
  goOn();
  expect(await drafted).toMatchObject({ status: 'draft', version: 1 });
});

it('a worker inside a payment from Kafka: the invoice is paid, and there is no dead letter', async () => {
  const { url, replace, untilFrozen } = await freezingBeforeCommit('consumer');
  const ann = createCaller(url, randomUUID());
  const { id } = await ann.finalized();
  await replace('worker', 'SIGTERM', { TEST_FAULTS: 'before-commit=1:freeze' });
  const gateway = await startGateway({ config: await testConfig() });
  await gateway.send(paymentMessage(ann.tenantId, id));
  await gateway.stop();
  const goOn = await untilFrozen('worker');
  await untilSessionEnded('worker');
  goOn();
  await outcomesIn({ database }).untilPaid(ann.tenantId, id);
  expect(await database.deadLetter.count({ where: { tenantId: ann.tenantId } })).toBe(0);
});

it('an API inside a cashier: the caller gets the answer, and never 500', async () => {
  const { url, untilFrozen } = await freezingBeforeCommit('api');
  const ann = createCaller(url, randomUUID());
  const body = { name: 'Front desk', email: `${randomUUID()}@example.com` };
  const created = ann.request<WireCashier>('POST', '/v1/cashiers', { body });
  const goOn = await untilFrozen('api');
  await untilSessionEnded('api');
  goOn();
  expect(await created).toMatchObject({ status: 201, body: { name: 'Front desk' } });
  expect(await database.cashier.count({ where: { tenantId: ann.tenantId } })).toBe(1);
});
