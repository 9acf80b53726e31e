/** What must be true of the new version on the data of the one before. */
import { invoicesOf } from './caller.mjs';
import { STAFF_CHANGE, TICKET, untilStatus, workflowOf } from './before.mjs';
import { checkDeadLetters } from './dead-letters.mjs';
import { expect } from './report.mjs';
import { each } from './servers.mjs';
import { runBeside } from './version.mjs';

const RUN_ENDS_MS = 3 * 60_000;
const DRAINED_MS = 3 * 60_000;
const OVERDUE_MARGIN_MS = 60_000;
const QUIET_MS = 60_000;
const VERIFY_MS = 3 * 60_000;
const NAMED_MAX = 3;

const firstOf = (things) =>
  [...things.slice(0, NAMED_MAX), ...(things.length > NAMED_MAX ? [`and ${things.length - NAMED_MAX} more`] : [])].join(
    '; ',
  );

/** Fails with the first of what was found. */
const expectNone = (found) => expect(found.length === 0, firstOf(found));

/** @param world what the checks look at @param left what the version before has left */
export async function checkEverything(world, left) {
  const { report } = world;
  await report.check('answers are given again, byte for byte, to the same keys', () => checkKeys(world));
  await report.check('commands that the end has cut off are carried out once', () => checkCutOff(world, left));
  await report.check('an Update ID of staff has its answer', () => checkStaff(world, left));
  await report.check('what was at rest reads as before', () => checkReads(world, left));
  await report.check('the billing run goes on to its end', () => checkRun(world, left));
  await report.check('the backlog drains', () => checkBacklog(world));
  await report.check('a payment that waited for Kafka arrives', () =>
    untilStatus(world, left.backlog.announced, 'paid'),
  );
  await report.check('timers are still there', () => checkTimers(world, left));
  await report.check('a timer that was set before fires, once', () => checkOldTimer(world, left));
  await checkDeadLetters(world, left);
  await report.check('drafts of before are finalized and paid', () => checkLives(world, left.invoices.drafts.slice(1)));
  await report.check('new invoices are drafted, finalized and paid', () => checkNewLives(world));
  await report.check('nothing waits any more', () => untilQuiet(world));
  await report.check('every workflow is replayed by the new version', () => checkPages(world));
  await report.check('no workflow has a failing task', () => checkTasks(world));
  await report.check('npm run verify finds nothing', () => checkVerify(world));
  await report.check('the service has not ended by itself', () => checkNoEnd(world));
}

const named = ({ method, path }) => `${method} ${path}`;

/** What differs between an answer and the one that was kept; undefined when nothing does. */
function differenceOf({ request, status, text }, again) {
  if (again.status !== status) return `${named(request)} is ${again.status}, it was ${status}: ${again.text}`;
  if (again.text !== text) return `${named(request)} has another body: ${again.text} instead of ${text}`;
  return again.headers.get('Idempotency-Replayed') === 'true' ? undefined : `${named(request)} is not a replay`;
}

async function checkKeys({ caller }) {
  const kept = [...caller.answered];
  const found = await each(kept, async (one) => differenceOf(one, await caller.untilAnswered(one.request)));
  expectNone(found.filter(Boolean));
  return `${kept.length} requests`;
}

/** Sent again they are answered, and once more they have that answer. */
async function checkCutOff({ caller }, { cutOff }) {
  const found = await each(cutOff, async (request) => {
    const { status, text } = await caller.untilAnswered(request);
    if (status >= 300) return `${named(request)} is ${status}: ${text}`;
    return differenceOf({ request, status, text }, await caller.untilAnswered(request));
  });
  expectNone(found.filter(Boolean));
  return `${cutOff.length} requests`;
}

async function checkStaff(world, { byStaff }) {
  const again = await world.temporal.update(workflowOf(world, byStaff.id), 'update', STAFF_CHANGE, TICKET);
  const [then, now] = [byStaff.answer, again].map((answer) => JSON.stringify(answer));
  expect(then === now, `it is ${now} instead of ${then}`);
}

/** Is everything that was there still the same? A later version may add members. */
function contains(now, then) {
  if (typeof then !== 'object' || then === null) return now === then;
  if (typeof now !== 'object' || now === null) return false;
  if (Array.isArray(then) && now.length !== then.length) return false;
  return Object.entries(then).every(([name, value]) => name === 'overdue' || contains(now[name], value));
}

/** What is at rest; time tells of an open invoice that it is overdue, which adds to its history. */
async function checkReads({ caller }, { reads, backlog, invoices }) {
  const moving = [...invoices.open, invoices.drafts[0], backlog.announced];
  const resting = reads.filter(({ path }) => !moving.some((id) => path.includes(id)));
  const found = await each(resting, async ({ path, body }) => {
    const now = await caller.get(path);
    return contains(now, body) ? undefined : `${path} is ${JSON.stringify(now)}, it was ${JSON.stringify(body)}`;
  });
  expectNone(found.filter(Boolean));
  return `${resting.length} answers`;
}

async function checkRun({ caller, sql, waitFor }, { due, run }) {
  const ended = await waitFor('The end of the billing run', RUN_ENDS_MS, async () => {
    const now = await caller.get(run.path);
    return now.status === 'completed' ? now : undefined;
  });
  expect(ended.finalized === due.ids.length, `${ended.finalized} of ${due.ids.length} drafts were finalized`);
  expect(ended.refused === 0, `${ended.refused} drafts were refused`);
  const left = await sql.count(`SELECT count(*) FROM invoices WHERE id = ANY($1::uuid[]) AND number IS NULL`, [
    due.ids,
  ]);
  expect(left === 0, `${left} drafts have no number`);
  const { status, text } = await caller.untilAnswered(run.request);
  const { requests } = JSON.parse(text);
  expect(status === 202 && requests?.length === 1, `asked for again with its key it is answered ${status} ${text}`);
  return `${ended.finalized} drafts`;
}

/** Events that nothing holds up. */
export const backlogOf = ({ sql }) =>
  sql.count(`SELECT count(*) FROM outbox_events JOIN streams USING (stream)
    WHERE published_at IS NULL AND blocked_by IS NULL`);

async function checkBacklog(world) {
  await world.waitFor('The end of the backlog', DRAINED_MS, async () => (await backlogOf(world)) === 0);
}

/** Timers that were started in a run and have neither fired nor been cancelled. */
function openTimers(events) {
  const open = new Set();
  for (const event of events) {
    const { timerStartedEventAttributes: started, timerFiredEventAttributes: fired } = event;
    const ended = fired ?? event.timerCanceledEventAttributes;
    if (started) open.add(started.timerId);
    if (ended) open.delete(ended.timerId);
  }
  return open.size;
}

async function checkTimers(world, { invoices, backlog }) {
  const waiting = invoices.open.filter((id) => id !== backlog.announced);
  const found = await each(waiting, async (id) => {
    const workflowId = workflowOf(world, id);
    const { status } = await world.temporal.describe({ workflowId });
    if (status.name !== 'RUNNING') return `${workflowId} is ${status.name}`;
    const timers = openTimers(await world.temporal.eventsOf({ workflowId }));
    return timers > 0 ? undefined : `${workflowId} has no timer`;
  });
  expectNone(found.filter(Boolean));
  return `${waiting.length} invoices`;
}

async function checkOldTimer({ caller, sql, waitFor, overdueAfterMs }, { backlog: { firing, firedBefore } }) {
  await waitFor(
    'Overdue',
    OVERDUE_MARGIN_MS + overdueAfterMs,
    async () => (await caller.get(`/v1/invoices/${firing}`)).overdue,
  );
  const told = () =>
    sql.count(`SELECT count(*) FROM audit_entries WHERE entity_id = $1 AND action = 'overdue'`, [firing]);
  await waitFor('Overdue in the audit trail', OVERDUE_MARGIN_MS, async () => (await told()) > 0);
  expect((await told()) === 1, `it was told ${await told()} times`);
  expect(!firedBefore, 'it fired before the version before ended, so nothing is known');
}

async function checkLives(world, ids) {
  const { finalize, pay } = invoicesOf(world.caller);
  for (const id of ids) {
    const { status, number } = await finalize(id);
    expect(status === 'finalized' && number, `invoice ${id} is ${status} with the number ${number}`);
    await pay(id);
    await untilStatus(world, id, 'paid');
  }
}

/** One is paid over REST, one on Kafka. */
async function checkNewLives(world) {
  const { draft, finalize, announcePayment } = invoicesOf(world.caller);
  await checkLives(world, [(await draft()).id]);
  const { id } = await draft();
  await finalize(id);
  await announcePayment(id);
  await untilStatus(world, id, 'paid');
}

async function untilQuiet({ sql, waitFor }) {
  const waiting = {
    events: 'outbox_events WHERE published_at IS NULL',
    'blocked streams': 'streams WHERE blocked_by IS NOT NULL',
    'wake-ups': 'workflow_wakeups',
    'dead letters': 'dead_letters WHERE resolved_at IS NULL',
    'billing runs': 'billing_runs WHERE ended_at IS NULL',
    'invoices that are overdue':
      "invoices WHERE status = 'finalized' AND overdue_at < clock_timestamp() AND overdue_told_at IS NULL",
  };
  for (const [what, rows] of Object.entries(waiting))
    await waitFor(
      `The last of the ${what}`,
      QUIET_MS,
      async () => (await sql.count(`SELECT count(*) FROM ${rows}`)) === 0,
    );
}

/** Also of runs that have ended: support opens those too. */
async function checkPages({ temporal }) {
  const runs = await temporal.runs();
  const found = await each(runs, (run) =>
    temporal.page(run).then(
      () => undefined,
      (error) => `${run.workflowId}: ${error.message}`,
    ),
  );
  expectNone(found.filter(Boolean));
  return `${runs.length} runs`;
}

async function checkTasks({ temporal, waitFor, startedAt }) {
  const runs = await temporal.runs();
  const found = await each(runs, async (run) =>
    (await temporal.failedTasks(run, startedAt)).map((cause) => `${run.workflowId}: ${cause}`),
  );
  expectNone(found.flat());
  const open = await temporal.runs('ExecutionStatus="Running"');
  await each(open, (run) =>
    waitFor(`A first try of the task of ${run.workflowId}`, QUIET_MS, async () => {
      const { raw } = await temporal.describe(run);
      return (raw.pendingWorkflowTask?.attempt ?? 1) <= 1;
    }),
  );
  return `${runs.length} runs, ${open.length} of them open`;
}

async function checkVerify({ after, settings, dataFolder, atMost }) {
  const { code, said, log } = await runBeside({
    folder: after,
    args: ['run', 'verify'],
    settings,
    dataFolder,
    limitMs: atMost(VERIFY_MS),
  });
  expect(
    code === 0,
    `it ended with ${code}; ${log} ends with:\n${said
      .split('\n')
      .slice(-NAMED_MAX * 10)
      .join('\n')}`,
  );
}

function checkNoEnd({ version }) {
  const ends = version
    .said()
    .split('\n')
    .filter((line) => line.includes('The service has ended'));
  expectNone(ends);
}
