/** Keeps what each customer owes: the amounts of invoices that are finalized, and neither paid nor cancelled. */
import { answerOf, createClient } from '@billing/client';
import { type EventData, createInbox } from '@billing/events';
import { runConsumer } from '@billing/events/kafkajs';
import kafkajs from 'kafkajs';
import pg from 'pg';

const { DATABASE_URL, KAFKA_BROKERS = '', BILLING_URL = '', BILLING_TOKEN, BILLING_TOPICS = '' } = process.env;
const rest = { baseUrl: BILLING_URL, ...(BILLING_TOKEN === undefined ? {} : { token: BILLING_TOKEN }) };
const billing = createClient(rest);

const createOpenAmounts = `
  CREATE TABLE IF NOT EXISTS known_invoices (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    customer text NOT NULL,
    currency text NOT NULL,
    amount numeric NOT NULL,
    is_owed boolean NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (tenant_id, id)
  );
  CREATE OR REPLACE VIEW open_amounts AS
    SELECT tenant_id, customer, currency, sum(amount) AS amount FROM known_invoices WHERE is_owed
    GROUP BY tenant_id, customer, currency`;

type Invoice = EventData['billing.invoice.finalized.v1']['invoice'];
interface Told {
  data: { tenantId: string; invoice: Invoice };
}

/** Sets, and does not add; what is known in a later version stays. So a state that was read over REST is safe. */
async function keep({ data: { tenantId, invoice } }: Told, client: pg.PoolClient): Promise<void> {
  const { id, customerReference, currency, amount, status, version } = invoice;
  await client.query(
    `INSERT INTO known_invoices VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (tenant_id, id) DO UPDATE
     SET (customer, currency, amount, is_owed, version) =
       (excluded.customer, excluded.currency, excluded.amount, excluded.is_owed, excluded.version)
     WHERE known_invoices.version < excluded.version`,
    [tenantId, id, customerReference ?? '', currency, amount, status === 'finalized', version],
  );
}

interface Place {
  tenantId: string | null;
  subject: string | null;
}

/** In place of events that are not to be had: the invoice as it is now, later events already in it. */
async function keepAsItIsNow({ tenantId, subject }: Place, client: pg.PoolClient): Promise<void> {
  if (tenantId === null || subject === null) throw new TypeError('It is not said which invoice it was.');
  const params = { path: { id: subject }, header: { 'X-Tenant-Id': tenantId } };
  const invoice = await answerOf(billing.GET('/v1/invoices/{id}', { params }));
  await keep({ data: { tenantId, invoice } }, client);
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
  rest,
  handlers: {
    'billing.invoice.finalized.v1': keep,
    'billing.invoice.paid.v1': keep,
    'billing.invoice.cancelled.v1': keep,
    'billing.event.withheld.v1': keepAsItIsNow,
  },
  lost: keepAsItIsNow,
  onRetry: (error, { topic, partition, offset }) => console.error(`${topic}/${partition}/${offset}:`, error),
});

process.once('SIGTERM', () => void consumer.stop());
// Rejects when the consumer cannot go on: then the process ends with the error, and is started again.
await consumer.ended;
await pool.end();
