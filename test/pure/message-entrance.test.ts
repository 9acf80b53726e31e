/**
 * Records of Kafka, with values as nobody sends them on purpose. What would break without it: a record that nobody
 * foresaw becomes a dead letter that says nothing, or holds up its partition.
 */
import { paymentReceived, upcastPayment } from '../../invoices/received.ts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bodyOf } from '../../invoices/payment-received.ts';
import { readRecord } from '../../messaging/read-record.ts';
import { invoiceTexts } from '../../values/text.ts';
import { mustBeCarriedOut, takenOf } from '../support/entrances.ts';
import { PAYMENTS_TOPIC, paymentMessage } from '../support/gateway.ts';
import {
  amountMember,
  anyText,
  currencyMember,
  instantMember,
  jsonText,
  member,
  objectText,
  textMember,
  uuidMember,
} from '../support/odd-values.ts';

const tenantId = crypto.randomUUID();
const usual = paymentMessage(tenantId, crypto.randomUUID());
const always = (value: unknown) => member(fc.constant(JSON.stringify(value)));

const data = objectText({
  tenantId: always(tenantId),
  invoiceId: uuidMember,
  amount: amountMember,
  currency: currencyMember,
  paymentMethod: textMember(invoiceTexts.method[1]),
  paymentReference: textMember(invoiceTexts.reference[1]),
  receivedAt: instantMember,
});

type Sent = [headers: Record<string, string>, value: string];

const oddHeader = fc.tuple(fc.constantFrom(...Object.keys(usual.headers)), anyText);
const binary: fc.Arbitrary<Sent> = fc
  .tuple(
    fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.tuple(oddHeader) }),
    fc.oneof({ weight: 9, arbitrary: data }, { weight: 1, arbitrary: jsonText }),
  )
  .map(([odd, value]) => [{ ...usual.headers, ...Object.fromEntries(odd) }, value]);

const attributes = Object.entries(usual.headers).filter(([name]) => name.startsWith('ce_'));
const structured: fc.Arbitrary<Sent> = objectText({
  ...Object.fromEntries(attributes.map(([name, value]) => [name.slice('ce_'.length), always(value)])),
  datacontenttype: always('application/json'),
  data: member(data),
}).map((text) => [{ 'content-type': 'application/cloudevents+json' }, text]);

it.each([
  { form: 'binary', sent: binary },
  { form: 'structured', sent: structured },
])(
  'PAY-05: a $form record is read, or refused in words; a payment in it is one that the workflow takes',
  ({ sent }) => {
    const taken = takenOf(2000, sent, ([headers, value]) => {
      const place = { topic: PAYMENTS_TOPIC, partition: 0, offset: 0n };
      const record = { ...place, key: Buffer.from(usual.key), value: Buffer.from(value), headers };
      const reading = readRecord(record, [{ event: paymentReceived }], 'test');
      if (reading.kind === 'refused' && (reading.reason === 'internal_error' || reading.detail === ''))
        throw new Error(`It is refused with ${reading.reason}, and without words.`);
      if (reading.kind !== 'event') return undefined;
      const body = bodyOf({ ...reading.event, data: upcastPayment(reading.event.data) });
      if (body.kind === 'refused') return undefined;
      mustBeCarriedOut('pay', body.value);
      return body.value;
    });
    expect(taken).toBeGreaterThan(5);
  },
);
