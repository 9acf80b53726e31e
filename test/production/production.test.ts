/**
 * The service in production, on servers as a deployment has them: a Temporal server on Postgres that asks for client
 * certificates, three Kafka brokers with TLS, SASL and ACLs, Postgres whose certificate is verified; two processes of
 * each part, each restarted in its turn under load.
 *
 * `npm run test:production`. It is no part of `npm test`: the first time it builds the Temporal server with Go.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chownSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import kafkajs from 'kafkajs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { percentiles } from '../../bench/percentiles.ts';
import { migrate } from '../../scripts/migrate.mjs';
import { ensureDatabase, startPostgres } from '../../scripts/stack/postgres.mjs';
import { freePort } from '../../scripts/stack/processes.mjs';
import { paymentMessage } from '../support/gateway.ts';
import { waitFor } from '../support/wait.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import { type SecuredKafka, allow, startSecuredKafka } from './kafka.ts';
import { type Deployment, deploy, runProgram } from './processes.ts';
import { type RealTemporal, startRealTemporal } from './temporal.ts';

const { TEST_DATA = '', TEST_PRODUCTION } = process.env;
const CALLERS = 4;
const LIMIT_MS = 10 * 60_000;
const user = { username: 'billing', password: 'billing-secret' };
const tenantId = randomUUID();

describe.runIf(TEST_PRODUCTION)('in production', () => {
  const folder = path.join(TEST_DATA, 'production');
  let certificates: Certificates;
  let stranger: Certificates;
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  let kafka: SecuredKafka;
  let temporal: RealTemporal;
  let service: Deployment;
  let settings: Record<string, string>;
  let key: string;

  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    certificates = makeCertificates(path.join(folder, 'certificates'), 'localhost');
    stranger = makeCertificates(path.join(folder, 'stranger'), 'localhost');
    const url = await securedPostgres();
    kafka = await startSecuredKafka(path.join(folder, 'kafka'), certificates, [user]);
    await allow(kafka.admin, user, 'prod.', 'billing');
    const { port, username, password } = new URL(url);
    const database = { host: '127.0.0.1', port: Number(port), user: username, password };
    temporal = await startRealTemporal(path.join(folder, 'temporal'), database, certificates);
    settings = {
      NODE_ENV: 'production',
      AUTH: 'keys',
      LOG_LEVEL: 'warn',
      DATABASE_URL: url,
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_TLS_CA_FILE: certificates.ca,
      TEMPORAL_TLS_CERT_FILE: certificates.cert,
      TEMPORAL_TLS_KEY_FILE: certificates.key,
      KAFKA_BROKERS: kafka.brokers,
      KAFKA_TLS: 'true',
      KAFKA_TLS_CA_FILE: certificates.ca,
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USERNAME: user.username,
      KAFKA_SASL_PASSWORD: user.password,
      KAFKA_TOPIC_REPLICATION: '3',
    };
    await migrate(url);
    service = await deploy(folder, settings);
    const scopes = [
      'invoices:read',
      'invoices:create',
      'invoices:finalize',
      'invoices:pay',
      'billing-runs:start',
      'billing-runs:read',
    ];
    const args = ['make', '--tenant', tenantId, '--name', 'shop', ...scopes.flatMap((scope) => ['--scope', scope])];
    const made = await runProgram('keys', args, settings);
    key = /^bk_\S+$/m.exec(made.stdout)?.[0] ?? '';
    if (key === '') throw new Error(`No key was made: ${made.stderr}`);
  }, LIMIT_MS * 3);
  afterAll(async () => {
    await service?.stop();
    await temporal?.stop();
    await kafka?.stop();
    await postgres?.stop();
  }, LIMIT_MS);

  /** With TLS; resolves with an address whose client verifies the server. */
  async function securedPostgres(): Promise<string> {
    const port = await freePort();
    const given = process.env['DATABASE_URL'];
    delete process.env['DATABASE_URL'];
    // Postgres takes a key only from a file of its own user.
    if (process.getuid?.() === 0) {
      const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
      for (const file of [certificates.key, certificates.cert]) chownSync(file, id('-u'), id('-g'));
    }
    const tls = { ssl: 'on', ssl_cert_file: certificates.cert, ssl_key_file: certificates.key, max_connections: '400' };
    postgres = await startPostgres({ dataFolder: path.join(folder, 'postgres'), port, settings: tls });
    process.env['DATABASE_URL'] = given;
    const address = new URL(postgres.url);
    address.hostname = 'localhost';
    address.searchParams.set('sslmode', 'verify-full');
    address.searchParams.set('sslrootcert', certificates.ca);
    await ensureDatabase(address.href);
    return address.href;
  }

  async function ask(
    method: string,
    where: string,
    body?: object,
  ): Promise<{ status: number; body: Record<string, string> }> {
    return service.balance(async (url) => {
      const answer = await fetch(`${url}${where}`, {
        method,
        headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      return { status: answer.status, body: (await answer.json()) as Record<string, string> };
    });
  }
  const draft = { name: 'Hosting, November', amount: '1200.00', currency: 'EUR' };
  const create = async (): Promise<string> => (await ask('POST', '/v1/invoices', draft)).body['id'] ?? '';
  const paid = (id: string) =>
    waitFor('the payment', async () => (await ask('GET', `/v1/invoices/${id}`)).body['status'] === 'paid', 60_000);

  /** One life after the other until it is over; every answer that is not the expected one is kept. */
  async function load(over: AbortSignal): Promise<{ ms: number[]; failed: unknown[] }> {
    const ms: number[] = [];
    const failed: unknown[] = [];
    const timed = async (expected: number, method: string, where: string, body?: object) => {
      const from = performance.now();
      const answer = await ask(method, where, body).catch((error: unknown) => ({
        status: 0,
        body: { error: String(error) },
      }));
      ms.push(performance.now() - from);
      if (answer.status !== expected) failed.push({ method, where, answer });
      return answer;
    };
    const live = async () => {
      while (!over.aborted) {
        const { body } = await timed(201, 'POST', '/v1/invoices', draft);
        const invoice = `/v1/invoices/${(body as Record<string, string>)['id']}`;
        await timed(200, 'POST', `${invoice}/finalize`, {});
        const payment = { amount: '1200.00', currency: 'EUR', method: 'transfer', reference: randomUUID() };
        await timed(200, 'POST', `${invoice}/pay`, payment);
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, live));
    return { ms, failed };
  }

  /** What a load meets while `work` is under way. */
  async function under(work: () => Promise<unknown>) {
    const over = new AbortController();
    const loading = load(over.signal);
    try {
      await work();
    } finally {
      over.abort();
    }
    return loading;
  }

  it('the main scenario: drafted, finalized, and paid by a message of a gateway', async () => {
    const id = await create();
    expect(await ask('POST', `/v1/invoices/${id}/finalize`, {})).toMatchObject({ status: 200 });
    const producer = kafka.admin.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
    await producer.connect();
    await producer.send({ topic: 'prod.billing.public.payments.v1', messages: [paymentMessage(tenantId, id)] });
    await producer.disconnect();
    await paid(id);
  });

  it('each process is restarted in its turn under load, a billing run goes on, and no request fails', async () => {
    const businessDate = new Date().toISOString().slice(0, 10);
    const { ms, failed } = await under(async () => {
      for (const { part, index } of service.names) await service.restart(part, index);
      await ask('POST', '/v1/billing-runs', { businessDate });
      const completed = async () =>
        (await ask('GET', `/v1/billing-runs/${businessDate}`)).body['status'] === 'completed';
      await waitFor('the run', completed, LIMIT_MS);
    });
    const { p50, p95, p99 } = percentiles(ms);
    console.info(`${ms.length} commands, p50 ${p50.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`);
    expect(failed).toEqual([]);
    expect(ms.length).toBeGreaterThan(100);
  });

  /** Was everything sent that was committed until the last event of this invoice? */
  async function isPublished(id: string): Promise<boolean> {
    const client = new pg.Client({ connectionString: settings['DATABASE_URL'] });
    await client.connect();
    const { rows } = await client.query(
      `SELECT count(*)::int AS waiting FROM outbox_events WHERE published_at IS NULL AND position <=
         (SELECT max(position) FROM outbox_events WHERE partition_key LIKE '%' || $1)`,
      [id],
    );
    await client.end();
    return rows[0].waiting === 0;
  }

  it('a broker is killed under load: callers notice nothing, and events go on', async () => {
    const { failed } = await under(async () => {
      await kafka.kill(1);
      const id = await create();
      await ask('POST', `/v1/invoices/${id}/finalize`, {});
      await waitFor('its events', () => isPublished(id), 120_000);
      await kafka.start(1);
    });
    expect(failed).toEqual([]);
  });

  it.each([
    ['Temporal', () => ({ TEMPORAL_TLS_CA_FILE: stranger.ca })],
    [
      'Postgres',
      () => ({
        DATABASE_URL: String(settings['DATABASE_URL']).replace(
          encodeURIComponent(certificates.ca),
          encodeURIComponent(stranger.ca),
        ),
      }),
    ],
    ['Kafka', () => ({ KAFKA_TLS_CA_FILE: stranger.ca })],
  ])('a certificate of the wrong authority is refused, and verify names the server: %s', async (server, wrong) => {
    const { status, stderr } = await runProgram('verify', [], { ...settings, ...wrong() });
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(`${server} does not answer`) });
    expect(stderr).toMatch(/certificate|self.signed|UnknownIssuer/i);
  });

  it('the user of the service touches no topic of anybody else', async () => {
    const admin = kafka.admin.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 'payroll' }] });
    await admin.disconnect();
    const ours = new kafkajs.Kafka({
      brokers: kafka.brokers.split(','),
      ssl: { ca: readFileSync(certificates.ca) },
      sasl: { mechanism: 'scram-sha-512', ...user },
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { retries: 0 },
    });
    const producer = ours.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
    await producer.connect();
    await expect(producer.send({ topic: 'payroll', messages: [{ value: 'x' }] })).rejects.toThrow(/not authorized/i);
    await producer.disconnect();
  });

  it('verify finds nothing', async () => {
    const { status, stdout } = await runProgram('verify', [], settings);
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining('Nothing is broken.') });
  });
});
