/**
 * Dead letters of each kind, opened with one version and decided with the next: payments that are refused, messages
 * that cannot be read, events that the broker refuses.
 */
import { randomUUID } from 'node:crypto';
import { invoicesOf } from './caller.mjs';
import { expect } from './report.mjs';

const PAYMENTS = 'dev.billing.public.payments.v1';
const INVOICES = 'dev.billing.public.invoices.v1';
/** Above an event of any size but that of a cancellation with the longest reason. */
const LIMIT_BYTES = 3_000;
const LONG_REASON = '🧾'.repeat(500);
const SHORT_REASON = 'Ordered twice';
const OPENED_MS = 60_000;

const deadLetterOf = (world, id) => world.caller.get(`/v1/dead-letters/${id}`);

/** The open dead letters of the tenant, waited for until there are so many; each with its invoice. */
async function openDeadLetters({ caller, waitFor }, direction, count) {
  const items = await waitFor(`${count} dead letters (${direction})`, OPENED_MS, async () => {
    const found = await caller.get(`/v1/dead-letters?status=open&direction=${direction}&limit=50`);
    return found.items.length >= count ? found.items : undefined;
  });
  const deadLetters = await Promise.all(items.map(({ id }) => caller.get(`/v1/dead-letters/${id}`)));
  return new Map(deadLetters.map(({ id, key }) => [key.split('|')[1], id]));
}

const cloudEvent = (tenantId, invoiceId, value) => ({
  key: `${tenantId}|${invoiceId}`,
  headers: {
    ce_specversion: '1.0',
    ce_id: randomUUID(),
    ce_source: '/gateway',
    ce_type: 'billing.payment.received.v1',
    ce_time: new Date().toISOString(),
    ce_tenantid: tenantId,
    'content-type': 'application/json',
  },
  value,
});

/** Payments of drafts, a payment that is no JSON, and a record that is no event at all. */
export async function openInbound(world) {
  const { broker, caller } = world;
  const { draft, finalize, announcePayment } = invoicesOf(caller);
  const [replayed, discarded, edited] = [await draft(), await draft(), await draft()].map(({ id }) => id);
  await finalize(edited);
  await announcePayment(replayed);
  await announcePayment(discarded);
  await broker.send(PAYMENTS, cloudEvent(caller.tenantId, edited, '{'), { key: 'nobody', value: 'no event' });
  const deadLetters = await openDeadLetters(world, 'inbound', 3);
  const nobodys = await world.waitFor('The dead letter of no event', OPENED_MS, async () => {
    const [row] = await world.sql.rows(`SELECT id FROM dead_letters WHERE reason = 'not_a_cloud_event'`);
    return row?.id;
  });
  return { deadLetters, replayed, discarded, edited, nobodys };
}

/** Events that are too large for their topic; the limit is lifted again. */
export async function openOutbound(world) {
  const { broker, caller } = world;
  const { draft, cancel } = invoicesOf(caller);
  const ids = [await draft(), await draft(), await draft()].map(({ id }) => id);
  await broker.limit(INVOICES, LIMIT_BYTES);
  for (const id of ids) await cancel(id, LONG_REASON);
  const deadLetters = await openDeadLetters(world, 'outbound', ids.length);
  await broker.limit(INVOICES);
  const [replayed, edited, withheld] = ids;
  return { deadLetters, replayed, edited, withheld };
}

/** One that was decided without an answer in time is resolved when it is decided again: what it is then counts. */
const decide = ({ caller }, id, action, more = {}) =>
  caller.ask('POST', `/v1/dead-letters/${id}/${action}`, {
    body: { reason: 'After the upgrade', ...more },
    expected: [200, 409],
  });

async function expectResolved(world, id, resolution) {
  const deadLetter = await deadLetterOf(world, id);
  expect(
    deadLetter.resolution === resolution,
    `it is ${deadLetter.status} (${deadLetter.resolution}), ${deadLetter.detail}`,
  );
}

const untilPaid = ({ caller, waitFor }, id) =>
  waitFor(`The payment of invoice ${id}`, OPENED_MS, async () => {
    const { status } = await caller.get(`/v1/invoices/${id}`);
    return status === 'paid';
  });

const goodPayment = (tenantId, invoiceId) =>
  JSON.stringify({
    tenantId,
    invoiceId,
    amount: '1200.00',
    currency: 'EUR',
    paymentMethod: 'credit card',
    paymentReference: `GW-${invoiceId}`,
    receivedAt: new Date().toISOString(),
  });

/** Each dead letter of before is decided in another way, and resolves. */
export async function checkDeadLetters(world, { inbound, outbound }) {
  const { report, caller, temporal } = world;
  const { finalize } = invoicesOf(caller);
  const deadLetterIdOf = (kind, which) => kind.deadLetters.get(kind[which]);

  await report.check('a refused payment is replayed once its draft is finalized', async () => {
    await finalize(inbound.replayed);
    await decide(world, deadLetterIdOf(inbound, 'replayed'), 'replay');
    await expectResolved(world, deadLetterIdOf(inbound, 'replayed'), 'replayed');
    await untilPaid(world, inbound.replayed);
  });
  await report.check('a refused payment is discarded', async () => {
    await decide(world, deadLetterIdOf(inbound, 'discarded'), 'discard');
    await expectResolved(world, deadLetterIdOf(inbound, 'discarded'), 'discarded');
  });
  await report.check('an unreadable message is edited and replayed', async () => {
    const id = deadLetterIdOf(inbound, 'edited');
    await decide(world, id, 'edit', { payload: goodPayment(caller.tenantId, inbound.edited) });
    await decide(world, id, 'replay');
    await expectResolved(world, id, 'replayed');
    await untilPaid(world, inbound.edited);
  });
  await report.check('what is no event is discarded by staff, through Temporal', async () => {
    const request = { operator: 'bob', reason: 'Nobody knows what it is' };
    const { status } = await temporal.update(`dead-letter/${inbound.nobodys}`, 'discard', request);
    expect(status === 'discarded', `it is ${status}`);
  });
  await report.check('an event that the broker refused is sent again', async () => {
    await decide(world, deadLetterIdOf(outbound, 'replayed'), 'replay');
    await expectResolved(world, deadLetterIdOf(outbound, 'replayed'), 'replayed');
  });
  await report.check('an event that the broker refused is edited and sent', async () => {
    const id = deadLetterIdOf(outbound, 'edited');
    const { payload } = await deadLetterOf(world, id);
    await decide(world, id, 'edit', { payload: payload.replaceAll(LONG_REASON, SHORT_REASON) });
    await decide(world, id, 'replay');
    await expectResolved(world, id, 'replayed');
  });
  await report.check('an event that the broker refused is withheld', async () => {
    await decide(world, deadLetterIdOf(outbound, 'withheld'), 'withhold');
    await expectResolved(world, deadLetterIdOf(outbound, 'withheld'), 'withheld');
  });
}
