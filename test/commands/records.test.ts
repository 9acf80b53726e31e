import { describe, expect, it } from 'vitest';
import { type CashierStep } from '../../cashiers/lifecycle.ts';
import { cashierCommandOf } from '../../cashiers/commands.ts';
import type { Cashier } from '../../cashiers/members.ts';
import type { AnyCommandDefinition } from '../../commands/command.ts';
import type { CommandHead } from '../../commands/decision.ts';
import { type Recording, type Records, recordsOf } from '../../commands/records.ts';
import { commandOf } from '../../invoices/commands.ts';
import { type Action, type Invoice, actions } from '../../invoices/lifecycle.ts';
import { simulatePayment } from '../../invoices/simulate-payment.ts';
import { eventType } from '../../messaging/cloud-event.ts';
import {
  CASHIER,
  CREATED,
  INVOICE,
  NOW,
  type Recorded,
  TENANT,
  finalized,
  paid,
  payBody,
  samples,
} from '../support/step-samples.ts';
import { eventNamed, eventNames, schemaNamed } from '../support/events.ts';

const RECORDED = '2030-01-31T12:00:00.123Z';
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7/;

const cashier: Cashier = {
  tenantId: TENANT,
  id: CASHIER,
  name: 'Kasse Nord',
  email: 'Nord@example.com',
  version: 4,
  createdAt: CREATED,
  updatedAt: NOW,
  currencies: [{ currency: 'KWD', effectiveFrom: '2030-01-01' }],
};
/** Written out, so that no function of the service can agree with itself. */
const cashierOut = {
  id: CASHIER,
  name: 'Kasse Nord',
  email: 'Nord@example.com',
  version: 4,
  createdAt: CREATED,
  updatedAt: NOW,
};

const command: CommandHead = {
  tenantId: TENANT,
  key: 'rest:5f2c',
  fingerprint: 'f00d',
  attemptId: '0197a3c4-5d6e-7f80-9a1b-2c3d4e5f6a7b',
  acceptedAt: NOW,
  actor: 'ada',
};
const wire = { environment: 'test', publicUrl: 'https://billing.example' };

/** Hands out the sequences of each stream from 7 on, as if 6 events had been before. */
type Told = Recorded['told'];

interface Expected extends Omit<Recorded, 'state'> {
  definition: AnyCommandDefinition;
  state: Invoice | Cashier;
  /** It leaves an audit row. */
  audited?: false;
}

const ofInvoice = (action: Action) =>
  commandOf(action, { overdueAfterMs: undefined }) as unknown as AnyCommandDefinition;
const ofCashier = (step: CashierStep) => cashierCommandOf(step) as unknown as AnyCommandDefinition;
const tenantId = TENANT;

const recordingOf = ({ state, asked = {}, reason = null }: Expected): Recording => ({
  before: null,
  state,
  command: { ...command, ...asked },
  reason,
  auditHead: { sequence: 3, hash: 'abc' },
  recordedAt: RECORDED,
  wire,
});
const recordsAfter = (expected: Expected): Records => recordsOf(expected.definition, recordingOf(expected));

/** The events among the records in their first version, by the names of the catalogue, with what they carry. */
const published = ({ events }: Records): Told =>
  events
    .filter(({ version }) => version === 1)
    .map(({ type, value }) => [
      eventNames.find((name) => eventType(eventNamed(name)) === type) ?? '',
      JSON.parse(value),
    ]);

const ofInvoices = actions.map((action) =>
  samples[action].recorded.map((row): Expected => Object.assign({ definition: ofInvoice(action) }, row)),
);
const rowsOf = (action: Action): Expected[] => ofInvoices[actions.indexOf(action)] ?? [];
const [paidRow] = rowsOf('pay');
const [finalizedRow] = rowsOf('finalize');
const [updatedRow] = rowsOf('update');
if (!paidRow || !finalizedRow || !updatedRow) throw new Error('The samples have no such rows.');

const ofCashiers: Record<CashierStep, Expected[]> = {
  create: [
    {
      rule: 'CSH-01',
      definition: ofCashier('create'),
      state: cashier,
      told: [['CashierCreated', { tenantId, cashier: cashierOut }]],
    },
  ],
  update: [
    {
      rule: 'CSH-02',
      definition: ofCashier('update'),
      state: cashier,
      told: [['CashierUpdated', { tenantId, cashier: cashierOut }]],
    },
  ],
  delete: [
    {
      rule: 'CSH-02',
      definition: ofCashier('delete'),
      state: cashier,
      told: [['CashierDeleted', { tenantId, cashierId: CASHIER, deletedAt: NOW }]],
    },
  ],
  acceptCurrency: [{ rule: 'CSH-04', definition: ofCashier('acceptCurrency'), state: cashier, told: [] }],
  dropCurrency: [{ rule: 'CSH-04', definition: ofCashier('dropCurrency'), state: cashier, told: [] }],
};

const simulated = [NOW, null].map((receivedAt): Expected => ({
  rule: 'PAY-01',
  definition: simulatePayment as unknown as AnyCommandDefinition,
  asked: { payment: { amountMinor: 7, currency: 'EUR', method: 'credit card', reference: 'SIM-1', receivedAt } },
  state: finalized,
  audited: false,
  told: [
    [
      'PaymentReceived',
      {
        tenantId,
        invoiceId: INVOICE,
        amount: '0.07',
        currency: 'EUR',
        paymentMethod: 'credit card',
        paymentReference: 'SIM-1',
        receivedAt,
      },
    ],
  ],
}));

const all = [...ofInvoices.flat(), ...Object.values(ofCashiers).flat(), ...simulated];
const titled = all.map((row) => [row.rule, `${row.definition.entity.type} ${row.definition.step}`, row] as const);

it('INV-12: every action has a row', () => {
  expect(ofInvoices.filter((rows) => rows.length === 0)).toEqual([]);
});

describe.each(titled)('%s: %s', (_rule, _name, expected) => {
  const { definition, state, told, audited = true, reason = null, payments = 0 } = expected;
  const about = definition.entity.type;
  const ids = about === 'invoice' ? { tenantId, invoiceId: INVOICE } : { tenantId, cashierId: CASHIER };

  it('tells others exactly this', () => {
    expect(published(recordsAfter(expected))).toEqual(told);
  });

  it('MSG-05: what it tells fits the schemas of the catalogue', () => {
    const values = recordsAfter(expected)
      .events.filter(({ version }) => version === 1)
      .map(({ value }) => JSON.parse(value) as unknown);
    expect(values.map((value, index) => schemaNamed(told[index]![0]).safeParse(value).error)).toEqual(
      told.map(() => undefined),
    );
  });

  it('MSG-02: its events are of its own streams, and have no sequence yet', () => {
    const { events } = recordsAfter(expected);
    expect(definition.entity.ids(state)).toEqual(ids);
    for (const { id, headers } of events) {
      expect(JSON.parse(headers)).toMatchObject({
        ce_id: id,
        ce_sequence: '',
        ce_time: RECORDED,
        ce_causationid: 'rest:5f2c',
        ce_actor: expect.any(String) as unknown,
        ce_tenantid: TENANT,
        ce_subject: state.id,
      });
    }
  });

  it('INV-12, TIM-03: leaves its audit row, or none when nothing has changed', () => {
    const { audit } = recordsAfter(expected);
    const row = {
      tenant_id: TENANT,
      entity_type: about,
      entity_id: state.id,
      sequence: 4,
      version: state.version,
      action: definition.step,
      actor: 'ada',
      at: NOW,
      status: 'status' in state ? state.status : '',
      reason,
      command_key: 'rest:5f2c',
      body: expect.any(String),
      previous_hash: 'abc',
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    };
    expect(audit).toEqual(audited ? row : null);
    expect(audit && JSON.parse(audit.body)).toEqual(audited ? state : null);
  });

  it('INV-42, INV-43: adds a payment, and the cashier’s, only when one was made', () => {
    const { rows } = recordsAfter(expected);
    expect(rows['payments'] ?? []).toHaveLength(payments);
    expect(rows['cashier_payments'] ?? []).toHaveLength(payments);
  });

  // Otherwise a step could be committed of which its cashier, or its subscribers, never hear.
  it('INV-43, MSG-01: one record that cannot be made fails the whole step', () => {
    const failing = () => {
      throw new Error('This record cannot be made.');
    };
    const event = eventNamed(about === 'invoice' ? 'InvoiceUpdated' : 'CashierUpdated');
    const silent = { definition: event, data: failing };
    for (const broken of [
      { ...definition, rows: failing },
      { ...definition, events: [...definition.events, silent] },
      { ...definition, events: [silent, ...definition.events] },
    ])
      expect(() => recordsOf(broken, recordingOf(expected))).toThrow('This record cannot be made.');
  });
});

describe('payment', () => {
  const row = {
    tenant_id: TENANT,
    invoice_id: INVOICE,
    amount_minor: 1200,
    currency: 'KWD',
    method: 'wire',
    reference: 'PAY-1',
    received_at: '2030-01-30T10:00:00.000Z',
    recorded_at: NOW,
  };

  it('INV-42: is one row, with when it was received and when it was recorded', () => {
    expect(recordsAfter(paidRow).rows['payments']).toEqual([{ ...row, id: expect.stringMatching(UUID_V7) }]);
  });

  it('INV-42: without an instant it was received when the command was accepted', () => {
    const { rows } = recordsAfter({ ...paidRow, asked: { body: { ...payBody, receivedAt: null } } });
    expect(rows['payments']).toMatchObject([{ received_at: NOW }]);
  });

  it('INV-43, CSH-05: is one row of the invoice’s cashier, under the same id', () => {
    const { rows } = recordsAfter(paidRow);
    const [payment] = rows['payments'] as { id: string }[];
    expect(rows['cashier_payments']).toEqual([{ ...row, payment_id: payment?.id, cashier_id: CASHIER }]);
  });

  it('INV-43: of an invoice without cashier is no row of a cashier', () => {
    const { rows } = recordsAfter({ ...paidRow, state: { ...paid, cashierId: null } });
    expect(rows['payments']).toHaveLength(1);
    expect(rows['cashier_payments']).toEqual([]);
  });

  it('INV-42: two payments have two ids', () => {
    const idOf = ({ rows }: Records) => (rows['payments'] as { id: string }[])[0]?.id;
    expect(idOf(recordsAfter(paidRow))).not.toBe(idOf(recordsAfter(paidRow)));
  });
});

describe('order', () => {
  it('CSH-06: created, updated and deleted have one partition key on one topic', () => {
    const places = [...ofCashiers.create, ...ofCashiers.update, ...ofCashiers.delete]
      .flatMap((row) => recordsAfter(row).events)
      .map(({ topic, partition_key, stream, slot }) => ({ topic, partition_key, stream, slot }));
    expect(places).toHaveLength(3);
    for (const place of places) {
      expect(place).toEqual({
        topic: 'test.billing.public.cashiers.v1',
        partition_key: `${TENANT}|${CASHIER}`,
        stream: `test.billing.public.cashiers.v1|${TENANT}|${CASHIER}`,
        slot: places[0]?.slot,
      });
    }
  });

  it('INV-02: a create tells others on the public topic, and billing on the internal one', () => {
    const events = rowsOf('create').flatMap((row) => recordsAfter(row).events);
    expect(events.map(({ topic, partition_key }) => ({ topic, partition_key }))).toEqual([
      { topic: 'test.billing.public.invoices.v1', partition_key: `${TENANT}|${INVOICE}` },
      { topic: 'test.billing.public.invoices.v2', partition_key: `${TENANT}|${INVOICE}` },
      { topic: 'test.billing.internal.invoices.v1', partition_key: `${TENANT}|${INVOICE}` },
    ]);
    expect(events[0]?.id).not.toBe(events[1]?.id);
  });
});

describe('records', () => {
  // A number that is missing is a bug of ours: better no commit than an event that says "null".
  it('INV-21, MSG-05: finalized without its number is no event', () => {
    expect(() => recordsAfter({ ...finalizedRow, state: { ...finalized, number: null } })).toThrow('number');
  });

  // Misspelt, the part would be empty, and the events of all entities would share a stream.
  it('MSG-02: an event whose key has a part that its entity lacks is no event', () => {
    const { definition, data } = updatedRow.definition.events[0]!;
    const broken = {
      ...updatedRow.definition,
      events: [{ data, definition: { ...definition, key: ['tenantId', 'invoiceid'] } }],
    };
    expect(() => recordsOf(broken, recordingOf(updatedRow))).toThrow('InvoiceUpdated has no invoiceid for its key.');
  });
});
