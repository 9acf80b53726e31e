/** Fills the database of DATABASE_URL with so many invoices (store.ts): `node fill.js 1000000`. */
import { readConfig } from '../platform/config.ts';
import { createDatabase } from '../platform/database.ts';
import { fillStore } from './store.ts';

const HOUR_MS = 60 * 60_000;

const invoices = Number(process.argv[2]);
const config = readConfig(process.env);
const database = createDatabase({
  url: config.DATABASE_URL,
  poolMax: 4,
  applicationName: 'fill',
  limits: { connectMs: 5_000, waitMs: HOUR_MS, statementMs: HOUR_MS },
});
await fillStore(
  database,
  { environment: config.NODE_ENV, publicUrl: 'http://localhost' },
  { invoices, tenants: Math.ceil(invoices / 1_000) },
);
await database.$disconnect();
process.exit();
