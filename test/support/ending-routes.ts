/** Routes that are made for tests: one that will go, one that has gone, and what their successors would be. */
import { z } from 'zod';
import { Problem, everyRead } from '../../api/problems.ts';
import type { Deprecation, Route } from '../../api/route.ts';
import { parseOrRefuse } from '../../api/validation.ts';
import { addDays } from '../../values/dates.ts';

const bodySchema = z.strictObject({ name: z.string() });
const link = 'https://billing.example.com/changes#things';

/** Deprecated for ten days, with ten more to come. */
export const ending = (today: string): Deprecation => ({
  since: addDays(today, -10),
  sunset: addDays(today, 10),
  successor: '/v2/things/{id}/name',
  link,
});

export const endingRoutes = (today: string): [goes: Route, gone: Route, stays: Route] => [
  {
    method: 'put',
    path: '/v1/things/{id}',
    operationId: 'renameThing',
    summary: 'Rename a thing',
    tag: 'Things',
    scope: 'invoices:update',
    params: z.object({ id: z.string() }),
    body: { schema: bodySchema, required: true, examples: { one: { name: 'one' } } },
    answers: { 204: { description: 'It has the name' } },
    problems: [...everyRead, 'validation_failed', 'operation_not_found'],
    deprecated: ending(today),
    handle: async ({ params, body }) => {
      const { name } = parseOrRefuse(bodySchema, body);
      if (name === 'nothing') throw new Problem('operation_not_found', `There is no thing ${params['id'] ?? ''}.`);
      if (name === 'bug') throw new Error('A bug');
      return { status: 204 };
    },
  },
  {
    method: 'get',
    path: '/v1/things',
    operationId: 'listThings',
    summary: 'List things',
    tag: 'Things',
    scope: 'invoices:read',
    answers: { 200: { description: 'All of them', schema: z.strictObject({ items: z.array(z.string()) }) } },
    problems: everyRead,
    deprecated: { since: addDays(today, -200), sunset: addDays(today, -1), link },
    handle: async () => ({ status: 200, body: { items: [] } }),
  },
  {
    method: 'get',
    path: '/v1/things/{id}',
    operationId: 'getThing',
    summary: 'Read a thing',
    tag: 'Things',
    scope: 'invoices:read',
    params: z.object({ id: z.string() }),
    answers: { 200: { description: 'The thing', schema: z.strictObject({ id: z.string() }) } },
    problems: everyRead,
    handle: async ({ params }) => ({ status: 200, body: { id: params['id'] ?? '' } }),
  },
];
