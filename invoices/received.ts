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
      amount: z.string().meta({ example: '1200.00' }),
      currency: z.string().meta({ example: 'EUR' }),
      paymentMethod: z.string().meta({ example: 'credit card' }),
      paymentReference: z.string().meta({ example: 'GW-000812' }),
      receivedAt: instant().nullish(),
    }),
  description: 'Received from a payment gateway: somebody has paid an invoice.',
} as const;
