/** The run's Postgres as tests look at it: with deadlines of their own, longer than the service's. */
import { type Database, createDatabase } from '../../platform/database.ts';
import { atMost } from './speed.ts';

/** As DATABASE_CONNECT_TIMEOUT_MS and its kind, but nothing here has to nest. */
export const testLimits = { connectMs: atMost(5_000), waitMs: atMost(5_000), statementMs: atMost(10_000) };

/** A database of the lane when `url` is absent. */
export const testDatabase = ({ url = process.env['DATABASE_URL'] ?? '', poolMax = 10 } = {}): Database =>
  createDatabase({ url, poolMax, applicationName: 'observer', limits: testLimits });
