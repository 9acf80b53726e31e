/** What the pages of the Web UI say: nothing that is not so, and who is who. */
import type { InvoiceView } from '../../workflows/contract/invoice.ts';
import type { DeadLetterView } from '../../workflows/contract/dead-letter.ts';
import type { EventReplayView } from '../../workflows/contract/event-replay.ts';
import { describe, expect, it } from 'vitest';
import { faultsOf } from '../../messaging/faults.ts';
import { batchDetails } from '../../workflows/dead-letter-batch.ts';
import { billingRunDetails } from '../../workflows/billing-run.ts';
import { deadLetterAttributes } from '../../workflows/dead-letter-attributes.ts';
import { deadLetterDetails } from '../../workflows/dead-letter-details.ts';
import { eventReplayDetails } from '../../workflows/event-replay-details.ts';
import { invoiceAttributes } from '../../workflows/invoice-attributes.ts';
import { invoiceDetails } from '../../workflows/invoice-details.ts';

const input = { tenantId: '11111111-1111-4111-8111-111111111111', invoiceId: '22222222-2222-4222-8222-222222222222' };

const invoice = (changes: object = {}): InvoiceView => ({
  invoice: {
    id: input.invoiceId,
    name: 'Hosting',
    customerReference: null,
    status: 'draft',
    overdue: false,
    amount: '1200.00',
    currency: 'EUR',
    dueDate: null,
    cashierId: null,
    number: null,
    amountPaid: '0.00',
    paidAt: null,
    finalizedAt: null,
    cancelledAt: null,
    cancelReason: null,
    version: 1,
    createdAt: '2026-11-01T10:00:00.000Z',
    updatedAt: '2026-11-01T10:00:00.000Z',
    ...changes,
  },
  openAmountMinor: 120_000,
  entries: [],
  timers: [],
});

const deadLetter = (changes: Partial<DeadLetterView> = {}): DeadLetterView => ({
  id: '33333333-3333-7333-8333-333333333333',
  direction: 'inbound',
  tenantId: input.tenantId,
  topic: 'test.billing.public.payments.v1',
  partition: 0,
  offset: '7',
  source: '/gateway',
  eventId: 'e-1',
  type: 'billing.payment.received.v1',
  reason: 'invoice_not_found',
  detail: 'No such invoice.',
  payload: '{}',
  edited: false,
  openedAt: '2026-11-01T10:00:00.000Z',
  attempts: 1,
  resolution: null,
  ...changes,
});
const resolution = { as: 'withheld', by: 'ann', because: 'x', at: '2026-11-02T10:00:00.000Z' } as const;

describe('an invoice', () => {
  const headOf = (view: InvoiceView) =>
    invoiceDetails({ input, view, current: undefined, queued: [], stuck: false }).split('\n')[0];

  it.each([
    [{}, '**Draft**'],
    [{ status: 'cancelled' }, '**Draft that was cancelled**'],
    [{ status: 'finalized', number: 'INV-2026-000001' }, '**INV-2026-000001: finalized**'],
    [{ status: 'finalized', number: 'INV-2026-000001', overdue: true }, '**INV-2026-000001: finalized, overdue**'],
    [{ status: 'cancelled', number: 'INV-2026-000001' }, '**INV-2026-000001: cancelled**'],
  ])('%j begins with %s', (changes, head) => {
    expect(headOf(invoice(changes))).toBe(head);
  });

  it('names its tenant, its id and the customer reference', () => {
    const view = invoice({ customerReference: 'C|1' });
    const page = invoiceDetails({ input, view, current: undefined, queued: [], stuck: false });
    expect(page).toContain(`| ${input.tenantId} | ${input.invoiceId} | C\\|1 |`);
  });

  // A run that was started like another one has that one's attributes until the first view.
  it('its first view writes every attribute, the empty ones too; a later one what has changed', () => {
    const first = invoiceAttributes(input, null, invoice());
    const empty = first.filter(({ value }) => value === null).map(({ key }) => key.name);
    expect(empty).toEqual(['InvoiceNumber', 'CustomerReference', 'Overdue', 'DueAt', 'Stuck']);
    expect(first).toHaveLength(9);
    const changed = invoiceAttributes(input, invoice(), invoice({ status: 'cancelled' }));
    expect(changed.map(({ key, value }) => [key.name, value])).toEqual([['InvoiceStatus', 'cancelled']]);
    expect(invoiceAttributes(input, null, null)).toEqual([]);
  });
});

describe('a dead letter', () => {
  const pageOf = (view: DeadLetterView) => deadLetterDetails({ view, waiting: [], stuck: false, escalated: false });

  it('an event that waits holds others up; one that is decided does not', () => {
    expect(pageOf(deadLetter({ direction: 'outbound' }))).toContain('wait behind it');
    const decided = pageOf(deadLetter({ direction: 'outbound', resolution }));
    expect(decided).not.toContain('The later events');
    expect(decided).toContain('Nothing waits behind it any more');
  });

  it.each(['not_a_cloud_event', 'wrong_topic'])('%s: the page does not advise what cannot help', (reason) => {
    const page = pageOf(deadLetter({ reason }));
    expect(page).toContain('Neither `replay` nor `edit` can help');
    expect(page).not.toContain('send the update `edit`');
    expect(page).toContain('send the update `discard`');
  });

  it('another reason: replay, edit and discard', () => {
    expect(pageOf(deadLetter())).toMatch(/the update `replay`[^]+the update `edit`[^]+the update `discard`/);
  });

  it('its decisions stand in a table, the newest first, with who, what and why', () => {
    const at = '2026-11-01T11:00:00.000Z';
    const page = pageOf(
      deadLetter({
        decisions: [
          { at, actor: 'ann', action: 'replay', status: 'open', reason: 'too|early' },
          { at, actor: 'bob', action: 'abandon', status: 'open', reason: 'locked' },
        ],
      }),
    );
    expect(page).toContain(
      [
        '| 2026-11-01 11:00:00 | an attempt was stopped | bob | open | locked |',
        '| 2026-11-01 11:00:00 | replay | ann | open | too\\|early |',
      ].join('\n'),
    );
    expect(pageOf(deadLetter())).not.toContain('What was decided');
  });

  it('names the tenant, and the invoice with its number and customer reference', () => {
    const { tenantId, invoiceId: id } = input;
    const page = pageOf(deadLetter({ invoice: { id, number: 'INV1', customerReference: 'C1' } }));
    expect(page).toContain(`| ${tenantId} | ${id} | INV1 | C1 |`);
    expect(pageOf(deadLetter({ tenantId: null }))).toContain('| not known | none | none | none |');
  });

  it('its first view writes every attribute, the empty ones too', () => {
    const first = deadLetterAttributes(null, deadLetter({ type: null }));
    const empty = first.filter(({ value }) => value === null).map(({ key }) => key.name);
    expect(empty).toEqual(['EventType', 'Stuck', 'Escalated']);
  });
});

describe('what works in pieces', () => {
  const goesOn = 'goes on by itself';

  it('a billing run says that it goes on, until it is done', () => {
    const run = { tenantId: input.tenantId, businessDate: '2026-11-30' };
    expect(billingRunDetails(run, { finalized: 1, refused: 0, left: 5 })).toContain(goesOn);
    expect(billingRunDetails(run, { finalized: 6, refused: 0, left: 0 })).not.toContain(goesOn);
    const refused = billingRunDetails(run, { finalized: 5, refused: 1, left: 0 });
    expect(refused).toContain('GET /v1/billing-runs/2026-11-30');
    expect(refused).not.toContain(goesOn);
  });

  it('a batch the same, and it names what was refused only when something was', () => {
    const counts = { total: 5, done: 5, refused: 0, unknown: 0, left: 0 };
    expect(batchDetails({ batchId: 'b' }, counts)).not.toMatch(/goes on|refused or/);
    expect(batchDetails({ batchId: 'b' }, { ...counts, done: 4, left: 1 })).toContain(goesOn);
    expect(batchDetails({ batchId: 'b' }, { ...counts, done: 4, refused: 1 })).toContain(
      'GET /v1/dead-letter-batches/b',
    );
  });
});

describe('a replay of events', () => {
  const replay: EventReplayView = {
    id: 'r',
    tenantId: input.tenantId,
    subscriber: 'ledger-copy',
    topic: 'test.billing.replay.ledger-copy.v1',
    status: 'running',
    detail: null,
    begins: '2026-11-01T10:00:00Z',
    before: '2026-11-02T10:00:00.000Z',
    only: 'everything',
    rate: 100,
    sent: 40,
    expected: 200,
    sentThrough: '2026-11-01T11:00:00.000Z',
    startedBy: 'ann',
    startedAt: '2026-11-02T10:00:00.000Z',
    reason: 'Its database was lost',
    decisions: [],
  };
  const pageOf = (changes: Partial<EventReplayView>) => eventReplayDetails({ ...replay, ...changes });

  it('says how far it is, whose, and who began it', () => {
    const page = pageOf({});
    expect(page).toContain('| 40 | 200 | 2026-11-01 11:00:00 | 100 |');
    expect(page).toContain(`| ${input.tenantId} |`);
    expect(page).toContain('| start | ann | Its database was lost |');
    expect(pageOf({ tenantId: null, expected: null })).toMatch(/not counted.+\| all \|/s);
  });

  it('advises what can be pressed, and nothing else', () => {
    const pressed = (status: EventReplayView['status']) =>
      ['pause', 'resume', 'stop'].filter((action) => pageOf({ status }).includes(`the update \`${action}\``));
    expect(pressed('running')).toEqual(['pause', 'stop']);
    expect(pressed('paused')).toEqual(['resume', 'stop']);
    for (const status of ['completed', 'stopped', 'refused'] as const) expect(pressed(status)).toEqual([]);
    expect(pageOf({ status: 'refused', detail: 'Kafka refuses the event e' })).toContain('from.eventId');
    expect(eventReplayDetails(null)).toContain('no such replay');
  });
});

it('a fault of the whole is told without a path', () => {
  const issues = [
    { path: [], message: 'Unrecognized key: "note"' },
    { path: ['invoice', 'amount'], message: 'is missing' },
  ];
  expect(faultsOf({ issues })).toBe('Unrecognized key: "note"; invoice.amount: is missing');
});
