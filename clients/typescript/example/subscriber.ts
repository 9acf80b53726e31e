/** Keeps what each customer owes: the amounts of invoices that are finalized, and neither paid nor cancelled. */
import { type EventData, createInbox } from '@billing/events';
import { runConsumer } from '@billing/events/kafkajs';
import kafkajs from 'kafkajs';
import pg from 'pg';

const { DATABASE_URL, KAFKA_BROKERS = '', BILLING_URL = '', BILLING_TOKEN, BILLING_TOPICS = '' } = process.env;

const createOpenAmounts = `
  CREATE TABLE IF NOT EXISTS open_amounts (
    tenant_id uuid NOT NULL,
    customer text NOT NULL,
    currency text NOT NULL,
    amount numeric NOT NULL,
    PRIMARY KEY (tenant_id, customer, currency)
  )`;

type Invoice = EventData['billing.invoice.finalized.v1']['invoice'];

/** Of an event's invoice; a client whose transaction the event is applied in. */
async function owe(tenantId: string, invoice: Invoice, amount: string, client: pg.PoolClient): Promise<void> {
  await client.query(
    `INSERT INTO open_amounts VALUES ($1, $2, $3, $4)
     ON CONFLICT (tenant_id, customer, currency) DO UPDATE SET amount = open_amounts.amount + excluded.amount`,
    [tenantId, invoice.customerReference ?? '', invoice.currency, amount],
  );
}

const pool = new pg.Pool({ connectionString: DATABASE_URL });
pool.on('error', (error) => console.error('A connection was lost:', error.message));
await pool.query(createInbox);
await pool.query(createOpenAmounts);

const consumer = await runConsumer({
  kafka: new kafkajs.Kafka({ brokers: KAFKA_BROKERS.split(','), logLevel: kafkajs.logLevel.ERROR }),
  groupId: 'open-amounts',
  topics: BILLING_TOPICS.split(','),
  pool,
  rest: { baseUrl: BILLING_URL, ...(BILLING_TOKEN === undefined ? {} : { token: BILLING_TOKEN }) },
  handlers: {
    'billing.invoice.finalized.v1': ({ data: { tenantId, invoice } }, client) =>
      owe(tenantId, invoice, invoice.amount, client),
    'billing.invoice.paid.v1': ({ data: { tenantId, invoice } }, client) =>
      owe(tenantId, invoice, `-${invoice.amount}`, client),
    // A draft was owed by nobody.
    'billing.invoice.cancelled.v1': async ({ data: { tenantId, invoice } }, client) => {
      if (invoice.finalizedAt !== null) await owe(tenantId, invoice, `-${invoice.amount}`, client);
    },
  },
  onRetry: (error, { topic, partition, offset }) => console.error(`${topic}/${partition}/${offset}:`, error),
});

process.once('SIGTERM', () => void consumer.stop());
// Rejects when the consumer cannot go on: then the process ends with the error, and is started again.
await consumer.ended;
await pool.end();
