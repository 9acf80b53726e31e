/**
 * What the version before leaves behind: an invoice of each kind, a cashier, dead letters that nobody has decided, and
 * work that is under way when it ends: a backlog for Kafka, a billing run in its midst, commands that are not answered.
 */
import { randomUUID } from 'node:crypto';
import { invoicesOf } from './caller.mjs';
import { openInbound, openOutbound } from './dead-letters.mjs';
import { expect } from './report.mjs';
import { each } from './servers.mjs';

const DAY_MS = 24 * 60 * 60 * 1_000;
/** More than a billing run finalizes in one commit, and how many of them it cannot have before the version ends. */
const DUE_DRAFTS = 280;
const HELD_DRAFTS = 30;
const WAITING_INVOICES = 10;
const CUT_OFF = 8;
const SETTLED_MS = 60_000;
const RUN_BEGINS_MS = 60_000;
/** As if it were typed into the Web UI. */
export const TICKET = 'TICKET-7';
export const STAFF_CHANGE = { actor: 'bob', body: { name: 'Hosting, by staff' } };

const dayIn = (days) => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);
export const workflowOf = ({ caller }, id) => `invoice/${caller.tenantId}/${id}`;
export const untilStatus = ({ caller, waitFor }, id, wanted) =>
  waitFor(`Invoice ${id} to be ${wanted}`, SETTLED_MS, async () => {
    const { status } = await caller.get(`/v1/invoices/${id}`);
    return status === wanted;
  });

/** Everything that is at rest when the version ends. */
export async function makeState(world) {
  const cashierId = await makeCashier(world);
  const invoices = await makeInvoices(world, cashierId);
  const byStaff = await changeAsStaff(world);
  const inbound = await openInbound(world);
  const outbound = await openOutbound(world);
  const due = await makeDueDrafts(world);
  const resting = [...Object.values(invoices).flat(), byStaff.id];
  const paths = [
    ...resting.flatMap((id) => [`/v1/invoices/${id}`, `/v1/invoices/${id}/history`]),
    ...['', '/currencies', '/payments'].map((what) => `/v1/cashiers/${cashierId}${what}`),
  ];
  const reads = await each(paths, async (path) => ({ path, body: await world.caller.get(path) }));
  return { invoices, byStaff, inbound, outbound, due, reads };
}

/** Who accepts euros, and no longer dollars. */
async function makeCashier({ caller }) {
  const cashier = await caller.post('/v1/cashiers', { name: 'Front desk', email: `${randomUUID()}@example.com` });
  const path = `/v1/cashiers/${cashier.id}`;
  for (const currency of ['EUR', 'USD'])
    await caller.ask('PUT', `${path}/currencies/${currency}`, { body: { effectiveFrom: dayIn(-1) } });
  await caller.ask('DELETE', `${path}/currencies/USD`);
  await caller.ask('PATCH', path, { body: { name: 'Desk' } });
  return cashier.id;
}

async function makeInvoices(world, cashierId) {
  const { draft, change, finalize, pay, cancel, announcePayment } = invoicesOf(world.caller);
  const drafts = [await draft(), await draft({ customerReference: 'C-1' }), await draft({ cashierId })];
  await change(drafts[0].id, { name: 'Hosting, December' });
  const finalized = [
    await draft({ cashierId }),
    ...(await each(Array(6).fill(dayIn(20)), (dueDate) => draft({ dueDate }))),
  ];
  for (const { id } of finalized) await finalize(id);
  const [paid, announced, cancelled, ...open] = finalized.map(({ id }) => id);
  await pay(paid);
  await announcePayment(announced);
  await cancel(cancelled, 'Ordered twice');
  const given = await draft();
  await cancel(given.id);
  await untilStatus(world, announced, 'paid');
  return { drafts: drafts.map(({ id }) => id), open, final: [paid, announced, cancelled, given.id] };
}

async function changeAsStaff(world) {
  const { id } = await invoicesOf(world.caller).draft();
  const answer = await world.temporal.update(workflowOf(world, id), 'update', STAFF_CHANGE, TICKET);
  return { id, answer };
}

/** Drafts of a billing run, which has them in the order of their ids. */
async function makeDueDrafts({ caller }) {
  const { draft } = invoicesOf(caller);
  const businessDate = dayIn(1);
  const drafts = await each(Array(DUE_DRAFTS).fill(businessDate), (dueDate) => draft({ dueDate }));
  return { businessDate, ids: drafts.map(({ id }) => id).toSorted((one, other) => (one < other ? -1 : 1)) };
}

/** Facts and announced payments that wait for Kafka, which is away; one invoice is overdue soon. */
export async function makeBacklog(world, { invoices }) {
  const { draft, finalize, announcePayment } = invoicesOf(world.caller);
  const [announced] = invoices.open;
  await announcePayment(announced);
  const drafts = await each(Array(WAITING_INVOICES).fill(dayIn(20)), (dueDate) => draft({ dueDate }));
  const finalized = await each(drafts, ({ id }) => finalize(id));
  return { announced, firing: finalized.at(-1).id };
}

/**
 * Begins the billing run and waits until it is in its midst: somebody has locked the last of its drafts.
 * @returns how to let go of them, and the request
 */
export async function beginRun({ caller, sql, waitFor }, { businessDate, ids }) {
  const release = await sql.hold(
    'SELECT FROM invoices WHERE tenant_id = $1 AND id = ANY($2::uuid[]) ORDER BY id FOR UPDATE',
    [caller.tenantId, ids.slice(-HELD_DRAFTS)],
  );
  const request = { method: 'POST', path: '/v1/billing-runs', body: { businessDate }, key: randomUUID() };
  const { status } = await caller.untilAnswered(request);
  expect(status === 202, `the billing run was answered with ${status}`);
  const path = `/v1/billing-runs/${businessDate}`;
  await waitFor(
    'The first drafts of the billing run',
    RUN_BEGINS_MS,
    async () => (await caller.get(path)).finalized > 0,
  );
  return { release, request, path };
}

/** Commands on their way while the service ends; resolves, when all have come back, with those that nobody answered. */
export function sendLast({ caller }, { invoices }) {
  const [draft] = invoices.drafts;
  const members = { name: 'Hosting, at the last moment', amount: '1200.00', currency: 'EUR' };
  const requests = Array.from({ length: CUT_OFF }, (_, index) => ({
    key: randomUUID(),
    method: 'POST',
    ...(index === 0 ? { path: `/v1/invoices/${draft}/finalize` } : { path: '/v1/invoices', body: members }),
  }));
  const sent = requests.map(async (request) => {
    const answer = await caller.sendOnce(request).catch(() => undefined);
    if (!answer || answer.status === 202 || answer.status >= 300) return request;
    caller.remember(request, answer);
  });
  return async () => (await Promise.all(sent)).filter(Boolean);
}
