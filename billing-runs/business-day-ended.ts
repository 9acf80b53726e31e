/** The end of a business day, told by accounting, starts the billing runs of one tenant, or of all. */
import type { SendDeps } from '../commands/send-update.ts';
import { businessDayEnded } from './received.ts';
import { startBillingRun } from './run.ts';
import { storedKey } from '../commands/key.ts';
import { businessDateError } from './business-date.ts';
import { fieldsInWords, refusalInWords } from '../commands/refusal.ts';
import type { Database } from '../platform/database.ts';
import { tenantsWithDueDrafts } from './reads.ts';
import { type Handler, type HandlerDefinition, refused } from '../messaging/handler.ts';
import { identityTaken } from '../dead-letters/index.ts';

export interface BusinessDayEndedDeps {
  database: Database;
  send: SendDeps;
}

const ACTOR = 'accounting';
/** For each tenant: a message to all of them may start many runs. */
const START_LIMIT_MS = 5_000;

/**
 * Starting is idempotent, so a message that is delivered again, or that was cut short, starts nothing twice. One that
 * comes too early starts nothing, for nobody; handed in again when its day has come, it does.
 */
const createBusinessDayEnded =
  ({ database, send }: BusinessDayEndedDeps): Handler<typeof businessDayEnded> =>
  async ({ data, source, id }) => {
    const { tenantId, businessDate, market = null, region = null } = data;
    const wrong = businessDateError(businessDate, new Date().toISOString());
    if (wrong) return refused('business_date_in_the_future', fieldsInWords([wrong]));
    const tenants = tenantId ? [tenantId] : await tenantsWithDueDrafts(database, businessDate);
    const request = { businessDate, market, region, actor: ACTOR, requestKey: storedKey('event', source, id) };
    for (const tenant of tenants) {
      const started = await startBillingRun(
        { ...send, database },
        { ...request, tenantId: tenant },
        Date.now() + START_LIMIT_MS,
      );
      if (started.kind === 'started') continue;
      return started.refusal.code === 'idempotency_key_reused'
        ? identityTaken(database, tenant, { source, id })
        : refused(started.refusal.code, refusalInWords(started.refusal));
    }
    return { kind: 'done' };
  };

export const businessDayEndedHandler: HandlerDefinition<typeof businessDayEnded, BusinessDayEndedDeps> = {
  event: businessDayEnded,
  create: createBusinessDayEnded,
};
