/** The end of a business day, told by accounting, starts the billing runs of one tenant, or of all. */
import { startBillingRun } from '../commands/billing-run.ts';
import { storedKey } from '../commands/key.ts';
import type { SendDeps } from '../commands/send.ts';
import type { Database } from '../platform/database.ts';
import { tenantsWithDueDrafts } from '../queries/billing-run.ts';
import type { Handler } from './handler.ts';

export interface BusinessDayEndedDeps {
  database: Database;
  send: SendDeps;
}

const ACTOR = 'accounting';
/** For each tenant: a message to all of them may start many runs. */
const START_LIMIT_MS = 5_000;

/** Starting is idempotent, so a message that is delivered again, or that was cut short, starts nothing twice. */
export const createBusinessDayEnded =
  ({ database, send }: BusinessDayEndedDeps): Handler<'BusinessDayEnded'> =>
  async ({ data, source, id }) => {
    const { tenantId, businessDate, market = null, region = null } = data;
    const tenants = tenantId ? [tenantId] : await tenantsWithDueDrafts(database, businessDate);
    const request = { businessDate, market, region, actor: ACTOR, requestKey: storedKey('event', source, id) };
    for (const tenant of tenants) {
      const started = await startBillingRun(
        { ...send, database },
        { ...request, tenantId: tenant },
        Date.now() + START_LIMIT_MS,
      );
      if (started.kind === 'refused')
        return { kind: 'refused', reason: started.refusal.code, detail: 'Its source and id belong to another event.' };
    }
    return { kind: 'done' };
  };
