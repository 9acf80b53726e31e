/** What an operator’s Prometheus reads: from the API, and from a worker that runs alone. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../scripts/stack/processes.mjs';
import { type Gateway, outcomesIn, paymentMessage, startGateway } from '../support/gateway.ts';
import { startService } from '../support/service.ts';
import { type System, startSystem } from '../support/system.ts';
import { waitFor } from '../support/wait.ts';

let system: System;
let gateway: Gateway;
beforeAll(async () => {
  system = await startSystem({}, { consumer: true });
  gateway = await startGateway(system);
});
afterAll(async () => {
  await gateway?.stop();
  await system?.stop();
});

async function scrape(url = system.url): Promise<string> {
  const answer = await fetch(`${url}/metrics`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('Content-Type')).toMatch(/^text\/plain; version=0\.0\.4/);
  return answer.text();
}

/** The value of a series, such as `name{a="b"}` with its labels in the order of the output. */
function valueOf(text: string, series: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

const untilValue = (series: string, expected: (value: number) => boolean) =>
  waitFor(series, async () => {
    const value = valueOf(await scrape(), series);
    return value !== undefined && expected(value) ? String(value) : undefined;
  });

it('counts requests by the template of their route, refused ones too, and never by a raw path', async () => {
  const ann = system.caller();
  const { id } = await ann.finalized();
  await ann.pay(id, { amount: '1.00' });
  await ann.step(id, 'finalize');
  await ann.request('POST', `/v1/invoices/${id}/pay`, { rawBody: '{' });
  await ann.request('DELETE', `/v1/invoices/${id}`);
  await ann.request('GET', `/nowhere/${id}`);
  const text = await scrape();
  const requests = (route: string, method: string, status: number) =>
    valueOf(text, `billing_http_request_seconds_count{route="${route}",method="${method}",status="${status}"}`);
  expect(requests('/v1/invoices/{id}/finalize', 'POST', 200)).toBe(1);
  expect(requests('/v1/invoices/{id}/pay', 'POST', 422)).toBe(1);
  expect(requests('/v1/invoices/{id}/pay', 'POST', 400)).toBe(1);
  expect(requests('/v1/invoices/{id}', 'DELETE', 405)).toBe(1);
  expect(requests('other', 'GET', 404)).toBe(1);
  expect(valueOf(text, 'billing_commands_total{step="finalize",result="answered"}')).toBe(1);
  // No payment: the consumer of this process also handles what earlier tests have left on the topic.
  expect(valueOf(text, 'billing_commands_total{step="finalize",result="refused"}')).toBe(1);
  expect(text).not.toContain(id);
  expect(text).not.toContain(ann.tenantId);
  expect(valueOf(text, 'process_resident_memory_bytes')).toBeGreaterThan(0);
});

it('tells what waits: the outbox, wake-ups, dead letters by reason; and what the relay and the consumer did', async () => {
  const ann = system.caller();
  const message = paymentMessage(ann.tenantId, randomUUID());
  await gateway.send(message);
  await outcomesIn(system).untilStored(message);
  await untilValue('billing_dead_letters_open{direction="inbound",reason="invoice_not_found"}', (value) => value >= 1);
  await untilValue(
    'billing_consumer_records_total{topic="test.billing.public.payments.v1",result="refused"}',
    (value) => value >= 1,
  );
  await ann.draft();
  await untilValue('billing_relay_published_events_total', (value) => value >= 1);
  const text = await scrape();
  for (const name of [
    'billing_outbox_unpublished_events',
    'billing_outbox_oldest_seconds',
    'billing_outbox_blocked_streams',
    'billing_wakeups_waiting',
    'billing_relay_failures_total',
    'billing_relay_last_failure_timestamp_seconds',
  ])
    expect(valueOf(text, name), name).toBeGreaterThanOrEqual(0);
  expect(valueOf(text, 'billing_figures_readable{source="outbox"}')).toBe(1);
});

it('a worker that runs alone answers on METRICS_PORT', async () => {
  const port = await freePort();
  const service = await startService({ settings: { METRICS_PORT: String(port) } });
  try {
    const url = `http://127.0.0.1:${port}`;
    const text = await waitFor('the worker', () => scrape(url));
    expect(text).toContain('billing_relay_published_events_total');
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    expect((await fetch(`${url}/elsewhere`)).status).toBe(404);
  } finally {
    await service.stop();
  }
});
