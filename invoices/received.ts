import { z } from 'zod';
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
      amount: z.string(),
      currency: z.string(),
      paymentMethod: z.string(),
      paymentReference: z.string(),
      receivedAt: instant().nullish(),
    }),
  description: 'Received from a payment gateway: somebody has paid an invoice.',
} as const;
