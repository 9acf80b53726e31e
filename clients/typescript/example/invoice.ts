/** Drafts, finalizes and pays the invoice of an order. Killed and run again it goes on, and nothing is done twice. */
import { ProblemError, answerOf, createClient } from '@billing/client';

const { BILLING_URL = '', BILLING_TOKEN, BILLING_TENANT, ORDER = crypto.randomUUID() } = process.env;

const billing = createClient({
  baseUrl: BILLING_URL,
  ...(BILLING_TOKEN === undefined ? {} : { token: BILLING_TOKEN }),
  ...(BILLING_TENANT === undefined ? {} : { tenantId: BILLING_TENANT }),
});

/** Keys of the caller's own last longer than the process. Without them the client makes one for each command. */
const keyOf = (step: string) => ({ 'Idempotency-Key': `${ORDER}-${step}` });

const { id } = await answerOf(
  billing.POST('/v1/invoices', {
    params: { header: keyOf('create') },
    body: { name: 'Hosting, November', amount: '1200.00', currency: 'EUR', customerReference: 'C-7731' },
  }),
);
const path = { id };
await answerOf(billing.POST('/v1/invoices/{id}/finalize', { params: { path, header: keyOf('finalize') } }));
const paid = await answerOf(
  billing.POST('/v1/invoices/{id}/pay', {
    params: { path, header: keyOf('pay') },
    body: { amount: '1200.00', currency: 'EUR', method: 'bank transfer', reference: `PAY-${ORDER}` },
  }),
);
console.log(paid.status, paid.id);

try {
  await answerOf(billing.POST('/v1/invoices/{id}/cancel', { params: { path }, body: { reason: 'a mistake' } }));
} catch (error) {
  if (!(error instanceof ProblemError) || error.problem.code !== 'transition_not_allowed') throw error;
  console.log('not cancelled:', error.problem.invoiceStatus);
}
