/** The OpenAPI document and the JSON Schemas of the events, as others read them: valid, open, and without dialects. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { problemTable } from '../../api/problems.ts';
import {
  assertPublished,
  assertPublishedEvent,
  faultsBySchema,
  publishedDocument,
  publishedEvents,
  resolvedDocument,
} from '../support/published.ts';

const operations = Object.entries(resolvedDocument(publishedDocument()).paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ what: `${method} ${path}`, path, operation })),
);
const events = Object.entries(publishedEvents());

/** Every object in a document, with where it stands. */
function* objectsIn(value: unknown, at = ''): Generator<[where: string, found: Record<string, unknown>]> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield [at, value as Record<string, unknown>];
  for (const [name, member] of Object.entries(value)) yield* objectsIn(member, `${at}/${name}`);
}

const published: [string, object][] = [['the OpenAPI document', publishedDocument()], ...events];

describe('the published documents', () => {
  it('the OpenAPI document is valid, by a validator that is not ours', async () => {
    expect(await new Validator().validate(structuredClone({ ...publishedDocument() }))).toEqual({ valid: true });
  });

  // Python, Java, Go and JavaScript share characters, classes of them, groups and repetitions; no more.
  const beyondAll = /\\[^dDwWsSbntr^$.*+?()[\]{}|/\\-]|\(\?(?!:)|[*+?}]\+/;
  it.each(published)('no pattern in %s needs more than all regular expression engines share', (_what, document) => {
    const patterns = [...objectsIn(document)].flatMap(([where, { pattern, format }]) =>
      typeof pattern === 'string' ? [{ where, pattern, format }] : [],
    );
    expect(patterns.filter(({ pattern }) => beyondAll.test(pattern))).toEqual([]);
    // What zod checks of a date or an e-mail address fills a screen; the format says it.
    expect(patterns.filter(({ format }) => format !== undefined)).toEqual([]);
  });

  it.each(['\\p{Cc}', '(?=a)', '(?<!a)', '(?<name>a)', '(?i)a', '\\u{1F44D}', 'a++'])(
    'the check knows that %s is a dialect',
    (pattern) => {
      expect(beyondAll.test(pattern)).toBe(true);
    },
  );

  it('answers and events are published open, all the way down; what is sent to us is closed', () => {
    const closed = (document: unknown) =>
      [...objectsIn(document)].flatMap(([where, found]) => (found['additionalProperties'] === false ? [where] : []));
    for (const { what, operation } of operations) {
      expect(closed(operation.responses), what).toEqual([]);
      for (const { schema } of Object.values(operation.requestBody?.content ?? {})) {
        expect(closed(schema).length, what).toBeGreaterThan(0);
      }
    }
    expect(closed(publishedDocument().components)).toEqual([]);
    expect(closed(events)).toEqual([]);
  });
});

it('a number that is read in its own way is published as any other: must it be there, and what is it when absent', () => {
  const { requestBody } = publishedDocument().paths['/v1/tenant-limits']?.['put'] ?? {};
  expect(requestBody?.content['application/json']?.schema).toMatchObject({
    required: ['requestsPerSecond', 'commandsAtOnce'],
  });
  const rotate = publishedDocument().paths['/v1/api-keys/{id}/rotate']?.['post'];
  expect(rotate?.requestBody?.content['application/json']?.schema).toMatchObject({
    properties: { graceSeconds: { default: 86_400, maximum: 2_592_000 } },
  });
});

it('LIM-03: whatever changes an invoice, a cashier or a dead letter is counted among the commands of its tenant', () => {
  const counted = operations.flatMap(({ what, operation: { responses } }) =>
    JSON.stringify(responses).includes('too_many_commands') ? [what] : [],
  );
  // Who may set limits, see payloads or manage keys is not held up by what he is to mend.
  const beyond = /^(?:get |\w+ \/v1\/(?:api-keys|codec|tenant-limits))/;
  expect(counted).toEqual(operations.map(({ what }) => what).filter((what) => !beyond.test(what)));
});

describe('problems in the OpenAPI document', () => {
  it('each stands once, whatever operations have it', () => {
    const { components, paths } = publishedDocument();
    expect(JSON.stringify(paths)).not.toContain('application/problem+json');
    const codesIn = Object.values(components.examples).map(({ value }) => (value as { code: string }).code);
    expect(Object.keys(components.examples)).toEqual(codesIn);
    expect(codesIn.length).toBeGreaterThan(30);
    // A page of a browser and a client generator read it whole: it was 800 kB when each operation had its own.
    expect(JSON.stringify(publishedDocument()).length).toBeLessThan(200_000);
  });

  const common = new Set(['type', 'title', 'status', 'detail', 'instance', 'code']);
  it('each code has the members that its schema declares, and no other', () => {
    const members = Object.entries(publishedDocument().components.schemas).flatMap(([id, schema]) => {
      const { properties = {} } = schema as { properties?: Record<string, { const?: unknown }> };
      const own = Object.keys(properties).filter((name) => !common.has(name));
      return id.endsWith('Problem') && id !== 'Problem' ? [[properties['code']?.const, own]] : [];
    });
    const without = Object.keys(problemTable).filter(
      (code) => !['route_not_found', 'method_not_allowed', 'operation_gone'].includes(code),
    );
    expect(Object.fromEntries(members)).toEqual({
      ...Object.fromEntries(without.map((code) => [code, []])),
      validation_failed: ['errors'],
      version_conflict: ['currentVersion'],
      transition_not_allowed: ['invoiceStatus', 'allowedActions'],
      insufficient_scope: ['scope'],
      event_version_stage: ['stage'],
      event_version_not_replaced: ['replacement'],
      event_version_in_use: ['readers'],
      events_pruned: ['firstSequence'],
      dead_letter_resolved: ['resolution', 'resolvedBy'],
    });
  });

  it('every example fits its schema', () => {
    const bodies = operations.flatMap(({ what, operation: { requestBody, responses } }) =>
      [requestBody, ...Object.values(responses)].map((body) => ({ what, content: body?.content ?? {} })),
    );
    const examples = bodies.flatMap(({ what, content }) =>
      Object.values(content).flatMap(({ schema, examples: given = {} }) =>
        Object.entries(given).map(([name, { value }]) => ({ what: `${what} ${name}`, schema, value })),
      ),
    );
    expect(examples.length).toBeGreaterThan(100);
    expect(examples.filter(({ schema, value }) => faultsBySchema(schema, value).length > 0)).toEqual([]);
  });

  it('every operation below /v1 declares what the edge itself can answer', () => {
    const edge = ['400', '413', '415', '500', '503'];
    const lacking = operations.filter(({ path, operation: { responses } }) =>
      path.startsWith('/v1/') ? edge.some((status) => !responses[status]) : !responses['400'] || !responses['500'],
    );
    expect(lacking.map(({ what }) => what)).toEqual([]);
  });
});

// The checks that the tests of the API lean on must be able to fail.
describe('an answer that is not as published', () => {
  const problem = (status: number, code: string, more: object = {}) => ({
    type: `/problems/${code}`,
    title: 'A title',
    detail: 'A detail.',
    instance: '/',
    status,
    code,
    ...more,
  });
  const PROBLEM = 'application/problem+json; charset=utf-8';
  const JSON_TYPE = 'application/json; charset=utf-8';
  const page = { items: [], nextCursor: null };
  const none = new Headers();
  function faultOf(check: () => void): string {
    try {
      check();
      return 'no fault';
    } catch (error) {
      return String(error);
    }
  }

  it.each([
    ['fits', 'GET', '/v1/invoices?limit=1', 200, JSON_TYPE, none, page, 'no fault'],
    ['fits for HEAD', 'HEAD', '/v1/invoices', 200, JSON_TYPE, none, null, 'no fault'],
    ['has a status that is not declared', 'GET', '/v1/invoices', 418, JSON_TYPE, none, page, 'status 418'],
    ['has another media type', 'GET', '/v1/invoices', 200, 'text/html', none, page, 'media type text/html'],
    ['lacks a member', 'GET', '/v1/invoices', 200, JSON_TYPE, none, { items: [] }, "property 'nextCursor'"],
    ['has a member too much', 'GET', '/v1/invoices', 200, JSON_TYPE, none, { ...page, more: 1 }, 'key: "more"'],
    [
      'lacks a header',
      'GET',
      '/v1/invoices',
      503,
      PROBLEM,
      none,
      problem(503, 'temporarily_unavailable'),
      'Retry-After',
    ],
    [
      'is a problem of another status',
      'GET',
      '/v1/invoices',
      400,
      PROBLEM,
      none,
      problem(404, 'invalid_tenant'),
      '/status must be',
    ],
    [
      'is a problem of another operation',
      'GET',
      '/v1/invoices',
      404,
      PROBLEM,
      none,
      problem(404, 'invoice_not_found'),
      'status 404',
    ],
    [
      'is a problem that is not declared',
      'GET',
      '/v1/invoices',
      422,
      PROBLEM,
      none,
      problem(422, 'email_taken'),
      '/code must be',
    ],
    [
      'is a problem with another’s member',
      'GET',
      '/v1/invoices',
      400,
      PROBLEM,
      none,
      problem(400, 'invalid_tenant', { currentVersion: 1 }),
      'key: "currentVersion"',
    ],
    ['is of no operation', 'GET', '/v1/elsewhere', 200, JSON_TYPE, none, page, 'no such operation'],
    [
      'says that there is no route',
      'GET',
      '/v1/elsewhere',
      404,
      PROBLEM,
      none,
      problem(404, 'route_not_found'),
      'no fault',
    ],
  ])('%s', (_what, method, path, status, contentType, headers, body, fault) => {
    const told = faultOf(() => assertPublished(method, path, status, contentType, headers, body));
    expect(told).toContain(fault);
  });

  const deleted = {
    tenantId: crypto.randomUUID(),
    cashierId: crypto.randomUUID(),
    deletedAt: '2026-01-01T00:00:00.000Z',
  };
  it.each([
    ['fits', {}, 'no fault'],
    ['has no instant', { deletedAt: 'now' }, '/deletedAt must match'],
    ['has a member too much', { more: 1 }, 'key: "more"'],
  ])('MSG-05: an event that %s', (_what, change, fault) => {
    const told = faultOf(() => assertPublishedEvent('billing.cashier.deleted.v1', { ...deleted, ...change }));
    expect(told).toContain(fault);
  });
});
