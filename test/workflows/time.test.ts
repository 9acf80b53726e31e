/** What depends on time, with skipped time: a draft that nobody touches, and a command that infrastructure holds up. */
import { invoiceWorkflowId } from '../../workflows/contract/invoice.ts';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SkippedTime, skipTime } from '../support/skipped-time.ts';
import { waitFor } from '../support/wait.ts';

let time: SkippedTime;
/** While set, the step that finalizes cannot reach its database. */
let away = false;

beforeAll(async () => {
  time = await skipTime({
    change: (real) => ({
      finalizeInvoice: async (command) => {
        if (away) throw ApplicationFailure.retryable('the database is away', 'infrastructure');
        return real.finalizeInvoice(command);
      },
    }),
  });
});
afterAll(() => time?.stop());

describe('time', () => {
  it('a draft that nobody touches for a day leaves Temporal, and comes back with the next command', async () => {
    const invoiceId = await time.draft();
    const handle = time.env.client.workflow.getHandle(invoiceWorkflowId(time.tenantId, invoiceId));
    await time.env.sleep('12 hours');
    expect(await time.send(invoiceId, { step: 'update', body: { name: 'Other' } })).toMatchObject({ kind: 'answered' });
    await time.env.sleep('13 hours');
    expect((await handle.describe()).status.name).toBe('RUNNING');
    expect(await handle.result()).toEqual({ ended: 'idle' });
    expect(await time.send(invoiceId, {})).toMatchObject({
      kind: 'answered',
      answer: { invoice: { status: 'finalized' } },
    });
  });

  it('a command held up for ten minutes shows as Stuck, goes on when the cause is mended, and is no longer Stuck', async () => {
    const invoiceId = await time.draft();
    const staff = time.staff(invoiceId);
    away = true;
    const sent = time.send(invoiceId, {});
    await waitFor('the regular activity', async () => (await staff.details()).includes('finalize'));
    await time.env.sleep('11 minutes');
    await waitFor('Stuck', async () => (await staff.details()).includes('STUCK'));
    expect((await staff.searchAttributes())['Stuck']).toEqual([true]);
    away = false;
    await time.env.sleep('1 minute');
    expect(await sent).toMatchObject({ kind: 'answered', answer: { invoice: { status: 'finalized' } } });
    // This server keeps an attribute that was taken back as [null].
    expect([undefined, [null]]).toContainEqual((await staff.searchAttributes())['Stuck']);
    expect(await staff.details()).not.toContain('STUCK');
  });

  it('staff abandon a stuck command; its outcome is unknown, and the next command works', async () => {
    const invoiceId = await time.draft();
    const staff = time.staff(invoiceId);
    away = true;
    const stuck = staff.update('finalize', { actor: 'ann', body: {} }).catch((error: unknown) => error);
    await waitFor('the regular activity', async () => (await staff.details()).includes('finalize'));
    await time.env.sleep('11 minutes');
    expect(await staff.update('abandon', { actor: 'eve', reason: 'migrating the database' })).toBe(
      'The attempt is being stopped.',
    );
    expect(await stuck).toBeInstanceOf(WorkflowUpdateFailedError);
    away = false;
    const sent = await time.send(invoiceId, {});
    expect(sent).toMatchObject({ kind: 'answered', answer: { invoice: { status: 'finalized', version: 2 } } });
  });
});
