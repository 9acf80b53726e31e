/** A payment as a gateway would announce it on Kafka: for trying things out, never in production (PAY-01). */
import type { CommandDefinition } from '../commands/command.ts';
import { type CommandHead, accepted, refused } from '../commands/decision.ts';
import { formatAmount } from '../values/money.ts';
import { invoiceEntity } from './entity.ts';
import type { Invoice } from './lifecycle.ts';
import { paymentReceived } from './received.ts';
import { invoiceNotFound } from './refusals.ts';
import type { PayBody } from './steps/pay.ts';

export interface SimulatePayment extends CommandHead {
  invoiceId: string;
  payment: PayBody;
}

/** What was announced. */
export interface SimulatedPayment {
  invoiceId: string;
  amount: string;
  currency: string;
  paymentMethod: string;
  paymentReference: string;
}

const announced = (invoiceId: string, payment: PayBody): SimulatedPayment => ({
  invoiceId,
  amount: formatAmount(payment.amountMinor, payment.currency),
  currency: payment.currency,
  paymentMethod: payment.method,
  paymentReference: payment.reference,
});

/** Whatever the invoice's status, so that refusals can be tried too. The invoice itself stays as it is. */
export const simulatePayment: CommandDefinition<Invoice, SimulatePayment, void, SimulatedPayment> = {
  entity: invoiceEntity,
  step: 'simulatePayment',
  entityId: ({ invoiceId }) => invoiceId,
  decide: (invoice, { invoiceId }) => (invoice ? accepted(invoice) : refused(invoiceNotFound(invoiceId))),
  answer: ({ id }, { payment }) => announced(id, payment),
  events: [
    {
      definition: paymentReceived,
      data: ({ state: { tenantId, id }, command: { payment } }) => ({
        tenantId,
        ...announced(id, payment),
        receivedAt: payment.receivedAt,
      }),
    },
  ],
  unaudited: true,
};
