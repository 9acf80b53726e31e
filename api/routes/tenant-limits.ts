/** The routes of a tenant's limits: what it may ask for at once. */
import { ownLimitsOf, ownLimitsSchema, setLimits, setLimitsSchema } from '../../access/limits.ts';
import type { Database } from '../../platform/database.ts';
import { everyRead } from '../problems.ts';
import type { Route } from '../route.ts';
import { parseOrRefuse } from '../validation.ts';

const here = { path: '/v1/tenant-limits', tag: 'Limits', scope: 'limits:manage', beyondLimits: true } as const;
const answers = { 200: { description: 'What is set for the tenant', schema: ownLimitsSchema } };

export const tenantLimitRoutes = ({ database }: { database: Database }): Route[] => [
  {
    ...here,
    method: 'get',
    operationId: 'getTenantLimits',
    summary: 'Read what is set for a tenant',
    answers,
    problems: everyRead,
    handle: async ({ identity }) => ({ status: 200, body: await ownLimitsOf(database, identity.tenantId) }),
  },
  {
    ...here,
    method: 'put',
    operationId: 'setTenantLimits',
    summary: 'Set how much a tenant may ask for',
    description: 'Every process knows of it within seconds.',
    body: {
      schema: setLimitsSchema,
      required: true,
      examples: {
        more: { requestsPerSecond: 200, commandsAtOnce: 50 },
        back: { requestsPerSecond: null, commandsAtOnce: null },
      },
    },
    answers,
    problems: [...everyRead, 'validation_failed'],
    handle: async ({ identity: { tenantId, actor }, body }) => {
      const own = parseOrRefuse(setLimitsSchema, body);
      await setLimits(database, tenantId, { ...own, changedBy: actor });
      return { status: 200, body: own };
    },
  },
];
