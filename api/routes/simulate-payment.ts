/** Announces a payment of an invoice on Kafka, as a gateway would (PAY-01). */
import { pay } from '../../invoices/steps/pay.ts';
import { invoiceNotFound } from '../../invoices/refusals.ts';
import { schemaOf, uuid } from '../../values/schema.ts';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { fingerprintOf, newAttemptId, restKey } from '../../commands/key.ts';
import { simulatePayment } from '../../invoices/simulate-payment.ts';
import { type TransactionDeps, carryOut } from '../../commands/transaction.ts';
import { openAmountMinor } from '../../invoices/invoice.ts';
import { simulatePaymentSchema } from '../../invoices/schemas.ts';
import { formatAmount } from '../../values/money.ts';
import { LONG_WAIT_MS } from '../../platform/database.ts';
import { invoiceById } from '../../invoices/by-id.ts';
import { everyCommand, problemOf } from '../problems.ts';
import type { Call, Reply, Route } from '../route.ts';
import { idOrNotFound, parseOrRefuse } from '../validation.ts';

export type SimulatePaymentDeps = Pick<TransactionDeps, 'database' | 'wire'>;

const METHOD = 'credit card';
const PATH = '/v1/invoices/{id}/simulate-payment';

const announcedSchema = z
  .strictObject({
    invoiceId: uuid(),
    amount: z.string(),
    currency: z.string(),
    paymentMethod: z.string(),
    paymentReference: z.string(),
  })
  .meta({ id: 'SimulatedPayment' });

export const simulatePaymentRoute = (deps: SimulatePaymentDeps): Route => ({
  method: 'post',
  path: PATH,
  operationId: 'simulatePayment',
  summary: 'Announce a payment on Kafka, as a gateway would',
  description: 'For trying things out; not there in production. What is absent is taken from the invoice.',
  tag: 'Invoices',
  scope: 'payments:simulate',
  params: z.object({ id: z.string().meta({ description: 'The invoice’s id' }) }),
  command: { ifMatch: false },
  body: {
    schema: simulatePaymentSchema,
    required: false,
    examples: { whatIsOpen: {}, tooLittle: { amount: '1.00' } },
  },
  answers: {
    202: {
      description: 'What was announced',
      schema: announcedSchema,
      headers: ['Idempotency-Replayed'],
    },
  },
  problems: [...everyCommand, 'invoice_not_found'],
  handle: (call) => announce(deps, call),
});

async function announce(deps: SimulatePaymentDeps, call: Call): Promise<Reply> {
  const { tenantId, actor } = call.identity;
  const given = parseOrRefuse(simulatePaymentSchema, call.body);
  const id = idOrNotFound(call, invoiceNotFound);
  const invoice = await invoiceById(deps.database, tenantId, id);
  if (!invoice) throw problemOf(invoiceNotFound(id));
  const currency = given.currency ?? invoice.currency;
  // Nothing is open once it is paid or cancelled; its whole amount is what somebody would pay by mistake.
  const amountMinor = openAmountMinor(invoice) || invoice.amountMinor;
  const payment = parseOrRefuse(schemaOf(pay.body), {
    amount: formatAmount(amountMinor, invoice.currency),
    method: METHOD,
    reference: `SIM-${randomUUID()}`,
    receivedAt: call.acceptedAt,
    ...given,
    currency,
  });
  const route = PATH.replace('{id}', invoice.id);
  const command = {
    tenantId,
    actor,
    invoiceId: invoice.id,
    payment,
    key: restKey(tenantId, call.idempotencyKey),
    fingerprint: fingerprintOf({ method: call.method, route, ifMatch: null, body: given }),
    attemptId: newAttemptId(),
    acceptedAt: call.acceptedAt,
  };
  const [outcome] = await carryOut({ ...deps, notify: () => undefined, waitMs: LONG_WAIT_MS }, simulatePayment, [
    command,
  ]);
  if (!outcome) throw new TypeError('A command came back without an outcome.');
  if (outcome.kind === 'refused') throw problemOf(outcome.refusal);
  const replayed = outcome.kind === 'replayed' ? { 'Idempotency-Replayed': 'true' } : {};
  return { status: 202, headers: replayed, body: outcome.answer };
}
