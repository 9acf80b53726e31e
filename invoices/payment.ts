/** A payment as callers and subscribers see it. */
import { z } from 'zod';
import { formatAmount } from '../values/money.ts';
import { instantOut } from '../values/schema.ts';

export const paymentSchema = () =>
  z
    .strictObject({
      amount: z.string(),
      currency: z.string(),
      method: z.string(),
      reference: z.string().meta({ description: 'The payment’s own id, unique in the tenant' }),
      receivedAt: instantOut().meta({ description: 'When the money arrived' }),
    })
    .meta({
      id: 'Payment',
      example: {
        amount: '1200.00',
        currency: 'EUR',
        method: 'bank transfer',
        reference: 'PAY-2026-000812',
        receivedAt: '2029-12-15T08:00:00.000Z',
      },
    });

interface PaidAmount {
  amountMinor: number;
  currency: string;
  method: string;
  reference: string;
  receivedAt: string;
}

export const paymentToWire = ({ amountMinor, currency, method, reference, receivedAt }: PaidAmount) => ({
  amount: formatAmount(amountMinor, currency),
  currency,
  method,
  reference,
  receivedAt,
});
