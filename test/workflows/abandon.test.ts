/**
 * INV-12: a person stops an attempt: whoever waits is told by whom and why, and it stands in the audit trail and on the
 * page, whether the attempt runs at that moment or waits for its next try.
 */
import { workflowTypes } from '../../workflows/contract/common.ts';
import { invoiceWorkflowId } from '../../workflows/contract/invoice.ts';
import { deadLetterWorkflowId } from '../../workflows/contract/dead-letter.ts';
import { randomUUID } from 'node:crypto';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkInvoiceChains } from '../../operations/verify/audit.ts';
import { createTally } from '../../operations/verify/check.ts';
import { checkCommandsOf } from '../../operations/verify/commands.ts';
import { checkInvoices } from '../../operations/verify/invoices.ts';
import type { ActivityDeps } from '../../activities/index.ts';
import { testActivities } from '../support/activities.ts';
import { testDatabase } from '../support/database.ts';
import { type SkippedTime, skipTime } from '../support/skipped-time.ts';
import { staffOfDeadLetter } from '../support/staff.ts';
import { waitFor } from '../support/wait.ts';

/** The database, as the activities that are held up see it. */
type Away = 'no' | 'at once' | 'when it is told';

const BUSY = 'The database did not carry the step out; it is tried again.';

describe.each([
  { how: 'while it runs', away: 'when it is told', maxCachedWorkflows: 100 },
  { how: 'while it waits for its next try', away: 'at once', maxCachedWorkflows: 100 },
  { how: 'while it runs, and every task replays', away: 'when it is told', maxCachedWorkflows: 0 },
] as const)('$how', ({ away, maxCachedWorkflows }) => {
  let time: SkippedTime;
  let state: Away = 'no';
  /** Lets the attempt that runs fail. */
  let fail: () => void = () => undefined;
  /** Attempts on the task queue; the local one has failed before. */
  let attempts = 0;

  /** Fails as a step does whose database is away: at once, or when the test says so. */
  async function heldUp(): Promise<void> {
    if (state === 'no') return;
    attempts += 1;
    if (state === 'when it is told' && attempts > 1) await new Promise<void>((resolve) => (fail = resolve));
    throw ApplicationFailure.retryable(BUSY, 'infrastructure');
  }

  beforeAll(async () => {
    time = await skipTime({
      maxCachedWorkflows,
      onRealServer: true,
      change: (real) => ({
        finalizeInvoice: (command) => heldUp().then(() => real.finalizeInvoice(command)),
        replayMessage: (command) => heldUp().then(() => real.replayMessage(command)),
      }),
    });
  });
  afterAll(() => time?.stop());

  /** Stops the attempt, as soon as there is one on the task queue, and lets it end. */
  async function stopped(abandon: () => Promise<unknown>): Promise<void> {
    await waitFor('an attempt on the task queue', async () => attempts > 1);
    await waitFor('the stop', async () => (await abandon()) === 'The attempt is being stopped.');
    state = 'no';
    fail();
  }

  function begin(): void {
    attempts = 0;
    fail = () => undefined;
    state = away;
  }

  const trail = (entityType: string, entityId: string) =>
    time.database.auditEntry.findMany({ where: { entityType, entityId }, orderBy: { sequence: 'asc' } });

  async function findings(invoiceId: string) {
    const tally = createTally();
    const keys = [{ tenant_id: time.tenantId, id: invoiceId }];
    await checkInvoiceChains(time.database, keys, tally);
    await checkInvoices(time.database, keys, 'test', tally);
    await checkCommandsOf(time.database, keys, tally);
    return tally.outcome().findings;
  }

  it('INV-12: a command: its caller is told, audit and page have it, and the next command works', async () => {
    const invoiceId = await time.draft();
    const staff = time.staff(invoiceId);
    begin();
    const sent = time.send(invoiceId, {});
    await stopped(() => staff.update('abandon', { actor: 'eve', reason: 'migrating the database' }));
    expect(await sent).toEqual({
      kind: 'stopped',
      detail: 'eve stopped the attempt: migrating the database. Whether it was carried out is not known.',
    });
    const page = await waitFor('the page', async () => {
      const details = await staff.details();
      return details.includes('an attempt was stopped') && details;
    });
    expect(page).toMatch(/an attempt was stopped \| eve \| 1 \| migrating the database/);
    expect(page).not.toContain('tried again');
    const [created, abandoned, ...more] = await trail('invoice', invoiceId);
    expect(more).toEqual([]);
    expect(abandoned).toMatchObject({ action: 'abandon', actor: 'eve', reason: 'migrating the database' });
    expect(abandoned).toMatchObject({ version: 1, status: 'draft', previousHash: created?.hash });
    expect(abandoned?.commandKey).toMatch(/^abandon:[0-9a-f-]{36}$/);
    expect(JSON.parse(abandoned?.body ?? '')).toMatchObject({ stopped: { step: 'finalize' } });
    expect(await findings(invoiceId)).toEqual([]);
    const next = await time.send(invoiceId, {});
    expect(next).toMatchObject({ kind: 'answered', answer: { invoice: { status: 'finalized', version: 2 } } });
    expect(await findings(invoiceId)).toEqual([]);
  });

  it('INV-12: an update from the Web UI that was stopped says by whom and why', async () => {
    const invoiceId = await time.draft();
    const staff = time.staff(invoiceId);
    begin();
    const sent = staff.update('finalize', { actor: 'ann', body: {} }).catch((error: unknown) => error);
    await stopped(() => staff.update('abandon', { actor: 'eve', reason: 'not wanted' }));
    const error = await sent;
    expect(error).toBeInstanceOf(WorkflowUpdateFailedError);
    expect((error as WorkflowUpdateFailedError).cause?.message).toBe('eve stopped the attempt: not wanted');
  });

  it('INV-12: a replay of a dead letter: the decision is told as stopped, audit and page have it', async () => {
    const { database, env, tenantId } = time;
    const id = uuidv7();
    const place = { topic: `test.nowhere.${randomUUID()}`, partition: 0, offset: 0n };
    const cause = { reason: 'invoice_not_found', detail: 'No such invoice.', headers: '{}' };
    const at = new Date();
    await database.deadLetter.create({
      data: { id, tenantId, ...place, ...cause, openedAt: at, workflowStartedAt: at },
    });
    await env.client.workflow.start(workflowTypes.deadLetter, {
      workflowId: deadLetterWorkflowId(id),
      taskQueue: 'time',
      args: [{ deadLetterId: id }],
    });
    const staff = staffOfDeadLetter(env.client, env.namespace ?? 'default', id);
    begin();
    const replay = staff.update('replay', { operator: 'ann', reason: 'mended' }).catch((error: unknown) => error);
    await stopped(() => staff.update('abandon', { actor: 'bob', reason: 'locked' }));
    expect(((await replay) as WorkflowUpdateFailedError).cause?.message).toBe('bob stopped the attempt: locked');
    const page = await waitFor('the page', async () => {
      const details = await staff.details();
      return details.includes('an attempt was stopped') && details;
    });
    expect(page).toMatch(/an attempt was stopped \| bob \| open \| locked/);
    const [entry, ...more] = await trail('dead_letter', id);
    expect(more).toEqual([]);
    expect(entry).toMatchObject({ action: 'abandon', actor: 'bob', reason: 'locked', status: 'open', sequence: 1 });
    expect(await staff.update('discard', { actor: 'ann', reason: 'x' })).toMatchObject({ status: 'discarded' });
    expect((await trail('dead_letter', id)).map(({ action }) => action)).toEqual(['abandon', 'discard']);
  });

  it('INV-12: of an invoice that is not there, nothing is recorded, and the run ends', async () => {
    const invoiceId = randomUUID();
    const handle = time.env.client.workflow.getHandle(invoiceWorkflowId(time.tenantId, invoiceId));
    begin();
    const sent = time.send(invoiceId, {});
    await stopped(() => time.staff(invoiceId).update('abandon', { actor: 'eve', reason: 'no such thing' }));
    expect(await sent).toMatchObject({ kind: 'stopped' });
    expect(await handle.result()).toEqual({ ended: 'abandoned' });
    expect(await trail('invoice', invoiceId)).toEqual([]);
  });
});

describe('what was stopped', () => {
  const database = testDatabase();
  const said: unknown[][] = [];
  const logger = { warn: (...line: unknown[]) => void said.push(line) } as unknown as ActivityDeps['logger'];
  const activities = testActivities(database, { logger });
  afterAll(() => database.$disconnect());
  const ids = () => ({ tenantId: randomUUID(), invoiceId: randomUUID() });
  const stop = (attemptId = randomUUID()) => ({
    actor: 'eve',
    reason: 'maintenance',
    at: new Date().toISOString(),
    step: 'finalize',
    attemptId,
  });

  it('INV-12: is recorded once, however often it is loaded; two stand one behind the other', async () => {
    const input = ids();
    const members = { name: 'Hosting', status: 'draft', amountMinor: 1n, currency: 'EUR', version: 1 } as const;
    const at = new Date();
    const row = { tenantId: input.tenantId, id: input.invoiceId, ...members, createdAt: at, updatedAt: at };
    await database.invoice.create({ data: row });
    const [first, second] = [stop(), stop()];
    await activities.loadInvoice({ ...input, interventions: [first] });
    const view = await activities.loadInvoice({ ...input, interventions: [first, second] });
    expect(view?.entries.map(({ action, actor, version }) => [action, actor, version])).toEqual([
      ['abandon', 'eve', 1],
      ['abandon', 'eve', 1],
    ]);
    const keys = await database.auditEntry.findMany({
      where: { entityId: input.invoiceId },
      orderBy: { sequence: 'asc' },
    });
    expect(keys.map(({ commandKey }) => commandKey)).toEqual([
      `abandon:${first.attemptId}`,
      `abandon:${second.attemptId}`,
    ]);
  });

  it('INV-12: where there is nothing that could tell of it, the log does', async () => {
    const input = ids();
    const interventions = [stop()];
    expect(await activities.loadInvoice({ ...input, interventions })).toBeNull();
    expect(await activities.loadDeadLetter({ deadLetterId: input.invoiceId, interventions })).toBeNull();
    expect(said).toMatchObject([
      [{ ...input, interventions }, 'a person has stopped an attempt at an invoice that is not there'],
      [{ interventions }, 'a person has stopped an attempt at a dead letter that is not there'],
    ]);
  });
});
