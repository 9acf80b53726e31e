import { z } from 'zod';
import type { DataOf } from '../messaging/event.ts';
import { instant, uuid } from '../values/schema.ts';

/** Received from a payment gateway; `simulate-payment` plays it. Further members are the gateway's. */
export const paymentReceived = {
  name: 'PaymentReceived',
  entity: 'Payment',
  version: 1,
  scope: 'public',
  key: ['tenantId', 'invoiceId'],
  subject: 'invoiceId',
  schema: () =>
    z.object({
      tenantId: uuid(),
      invoiceId: uuid(),
      amount: z.string().meta({ example: '1200.00' }),
      currency: z.string().meta({ example: 'EUR' }),
      paymentMethod: z.string().meta({ example: 'credit card' }),
      paymentReference: z.string().meta({ example: 'GW-000812' }),
      receivedAt: instant().nullish(),
    }),
  example: () => ({
    tenantId: '11111111-1111-4111-8111-111111111111',
    invoiceId: '0b5f6a3e-8f0f-5d8e-9f0c-4f6d2a1b7c3d',
    amount: '1200.00',
    currency: 'EUR',
    paymentMethod: 'credit card',
    paymentReference: 'GW-000812',
    receivedAt: '2029-12-02T09:30:00.000Z',
  }),
  description: 'Received from a payment gateway: somebody has paid an invoice.',
} as const;

/** The same, in the words of InvoicePaid. A gateway sends the one or the other; both count. */
export const paymentReceived2 = {
  ...paymentReceived,
  version: 2,
  topicVersion: 'v2',
  schema: () =>
    z.object({
      tenantId: uuid(),
      invoiceId: uuid(),
      payment: z.object({
        amount: z.string().meta({ example: '1200.00' }),
        currency: z.string().meta({ example: 'EUR' }),
        method: z.string().meta({ example: 'credit card' }),
        reference: z.string().meta({ example: 'GW-000812' }),
        receivedAt: instant().nullish(),
      }),
    }),
  example: () => upcastPayment(paymentReceived.example()),
} as const;

/** Version 1 as version 2 tells it; the only place that knows how they differ, but for the names of members below. */
export const upcastPayment = ({
  tenantId,
  invoiceId,
  paymentMethod: method,
  paymentReference: reference,
  ...payment
}: DataOf<typeof paymentReceived>): DataOf<typeof paymentReceived2> => ({
  tenantId,
  invoiceId,
  payment: { ...payment, method, reference },
});

/** What a version calls a member of the payment. */
export const nameInMessage = (version: number, member: PropertyKey): PropertyKey[] => {
  if (version > 1) return ['payment', member];
  return [member === 'method' ? 'paymentMethod' : member === 'reference' ? 'paymentReference' : member];
};
