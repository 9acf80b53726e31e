/** Which operations will go, and who still uses them. */
import { z } from 'zod';
import { NO_TENANT } from '../../access/caller.ts';
import { type DeprecatedUser, deprecatedUsers } from '../../access/deprecated-use.ts';
import type { Database } from '../../platform/database.ts';
import { instantOut } from '../../values/schema.ts';
import { everyRead } from '../problems.ts';
import type { Deprecation, Route } from '../route.ts';

const userSchema = z.strictObject({
  tenantId: z.guid(),
  requests: z.int().meta({ description: 'Of the last 30 days; a few may be missing' }),
  lastSeenAt: instantOut(),
});
const deprecationSchema = z
  .strictObject({
    operationId: z.string().meta({ example: 'payInvoice' }),
    method: z.string().meta({ example: 'POST' }),
    path: z.string().meta({ example: '/v1/invoices/{id}/pay' }),
    since: z.iso.date(),
    sunset: z.iso.date().meta({ description: 'The last day on which it is answered, in UTC' }),
    successor: z.string().nullable().meta({ description: 'The path of what takes its place' }),
    link: z.string().meta({ description: 'Where it is explained' }),
    users: z.array(userSchema).meta({ description: 'Seen last first; at most 1,000' }),
  })
  .meta({ id: 'Deprecation' });
const listSchema = z.strictObject({ items: z.array(deprecationSchema) }).meta({ id: 'DeprecationList' });

/** The routes, with one that lists those of them that will go. */
export const withDeprecations = ({ database }: { database: Database }, routes: readonly Route[]): Route[] => [
  ...routes,
  {
    method: 'get',
    path: '/v1/deprecations',
    operationId: 'listDeprecations',
    summary: 'List the operations that will go, and who still uses them',
    description: 'A tenant sees its own use; who may act for all tenants and names none sees that of each.',
    tag: 'Deprecations',
    scope: 'deprecations:read',
    ofNoTenant: true,
    answers: { 200: { description: 'Those that go first come first', schema: listSchema } },
    problems: everyRead,
    handle: async ({ identity: { tenantId } }) => {
      const operations = routes.flatMap(({ deprecated, operationId }) => (deprecated ? [operationId] : []));
      const users = await deprecatedUsers(database, operations, tenantId === NO_TENANT ? null : tenantId);
      const items = routes.flatMap((route) =>
        route.deprecated ? [toWire(route, route.deprecated, users.get(route.operationId) ?? [])] : [],
      );
      return { status: 200, body: { items: items.toSorted((one, other) => (one.sunset < other.sunset ? -1 : 1)) } };
    },
  },
];

const toWire = (
  { operationId, method, path }: Route,
  { since, sunset, successor, link }: Deprecation,
  users: readonly DeprecatedUser[],
): z.infer<typeof deprecationSchema> => ({
  operationId,
  method: method.toUpperCase(),
  path,
  since,
  sunset,
  successor: successor ?? null,
  link,
  users: users.map(({ lastSeenAt, ...user }) => ({ ...user, lastSeenAt: lastSeenAt.toISOString() })),
});
