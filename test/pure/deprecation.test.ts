/** What follows from the row of a route that will go, and how its use is counted. No server is needed. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { createDeprecatedUses } from '../../access/deprecated-use.ts';
import { checkDeprecation, deprecationHeaders, isOver } from '../../api/deprecation.ts';
import { openApiDocument } from '../../api/openapi.ts';
import type { Route } from '../../api/route.ts';
import { type ApiDocument, brokenPromises } from '../../contract/operations.ts';
import type { Database } from '../../platform/database.ts';
import { createLogger } from '../../platform/logger.ts';
import { endingRoutes } from '../support/ending-routes.ts';
import { type PublishedDocument, faultsBySchema, noDeps, resolvedDocument } from '../support/published.ts';
import { waitFor } from '../support/wait.ts';

const TODAY = '2026-11-30';
const [goes, gone, stays] = endingRoutes(TODAY);
const documentOf = (routes: readonly Route[]) =>
  JSON.parse(
    JSON.stringify(openApiDocument(routes, { ...noDeps.wire, version: '0.0.0', isDemo: false })),
  ) as PublishedDocument;

describe('API-02: what callers are told', () => {
  it('the day it is deprecated since, its last second, and where to go', () => {
    const deprecated = { since: '2026-11-20', sunset: '2026-12-10', successor: '/v2/things/{id}', link: '/changes' };
    expect(deprecationHeaders(deprecated, { id: 'a b/>\r\n"' })).toEqual({
      Deprecation: '@1795132800',
      Sunset: 'Thu, 10 Dec 2026 23:59:59 GMT',
      Link: '</changes>; rel="deprecation", </v2/things/a%20b%2F%3E%0D%0A%22>; rel="successor-version"',
    });
    expect(new Date(1_795_132_800_000).toISOString()).toBe('2026-11-20T00:00:00.000Z');
    expect(deprecationHeaders({ since: '2026-11-20', sunset: '2026-12-10', link: '/changes' }, {}).Link).toBe(
      '</changes>; rel="deprecation"',
    );
  });

  it.each([
    ['2026-12-10T00:00:00.000Z', false],
    ['2026-12-10T23:59:59.999Z', false],
    ['2026-12-11T00:00:00.000Z', true],
  ])('the last day is answered whole: at %s it is over: %s', (now, over) => {
    expect(isOver({ since: '2026-11-20', sunset: '2026-12-10', link: '' }, new Date(now))).toBe(over);
  });

  it.each([
    [{ since: '2026-13-01' }, 'no days in this order'],
    [{ sunset: '2026-02-31' }, 'no days in this order'],
    [{ since: '2026-12-11', sunset: '2026-12-10' }, 'no days in this order'],
    [{ successor: '/v2/things/{name}' }, 'has no {name}'],
  ])('a row that cannot be is refused: %o', (change, because) => {
    const row = { since: '2026-11-20', sunset: '2026-12-10', link: '/changes' };
    expect(() => checkDeprecation({ ...goes, deprecated: row })).not.toThrow();
    expect(() => checkDeprecation({ ...goes, deprecated: { ...row, ...change } })).toThrow(because);
  });
});

describe('API-02: what the OpenAPI document says', () => {
  const document = documentOf([goes, gone, stays]);
  const operationsIn = ({ paths }: PublishedDocument) => ({
    goes: paths['/v1/things/{id}']?.['put'],
    stays: paths['/v1/things/{id}']?.['get'],
  });

  it('is valid, and says so of this operation alone', async () => {
    expect(await new Validator().validate(structuredClone({ ...document }))).toEqual({ valid: true });
    const { goes: one, stays: other } = operationsIn(document);
    expect(one).toMatchObject({ deprecated: true, 'x-sunset': '2026-12-10' });
    expect(JSON.stringify(one)).toContain('Deprecated since 2026-11-20; its last day is 2026-12-10');
    expect(other).not.toHaveProperty('deprecated');
    expect(JSON.stringify(other)).not.toContain('eprecat');
  });

  it('every answer of it has the headers, and 410 is among them', () => {
    const { goes: one, stays: other } = operationsIn(resolvedDocument(document));
    const headersOf = (operation: typeof one) =>
      Object.values(operation?.responses ?? {}).map(({ headers = {} }) =>
        ['Deprecation', 'Sunset', 'Link'].every((name) => headers[name]?.required),
      );
    expect(headersOf(one).length).toBeGreaterThan(8);
    expect(new Set(headersOf(one))).toEqual(new Set([true]));
    expect(new Set(headersOf(other))).toEqual(new Set([false]));
    const { schema = {}, examples = {} } = one?.responses['410']?.content?.['application/problem+json'] ?? {};
    expect(Object.keys(examples)).toEqual(['operation_gone']);
    const whole = { ...schema, components: document.components };
    for (const { value } of Object.values(examples)) expect(faultsBySchema(whole, value)).toEqual([]);
    expect(other?.responses).not.toHaveProperty('410');
  });

  it('to deprecate a route breaks nobody, and to take it away before its end does', () => {
    const { deprecated: _, ...before } = goes;
    const settings = { sunsets: {}, today: TODAY };
    const [plain, now] = [documentOf([before, stays]), documentOf([goes, stays])];
    expect(brokenPromises(now as ApiDocument, plain as ApiDocument, settings)).toEqual([]);
    expect(brokenPromises(documentOf([stays]) as ApiDocument, plain as ApiDocument, settings)).toHaveLength(1);
  });
});

describe('API-02: to count who uses it costs a request nothing', () => {
  const logger = createLogger({ level: 'silent', name: 'test' });
  const HOUR_MS = 3_600_000;
  /** Each statement with its tenants and counts. */
  function databaseThat(answer: () => Promise<number>) {
    const written: { tenants: string[]; requests: number[] }[] = [];
    const $executeRaw = (
      _sql: unknown,
      _operations: unknown,
      _days: unknown,
      tenants: string[],
      requests: number[],
    ) => {
      written.push({ tenants, requests });
      return answer();
    };
    return { written, database: { $executeRaw } as unknown as Database };
  }

  it('many uses are one statement, which a process that ends still sends', async () => {
    const { written, database } = databaseThat(async () => 2);
    const uses = createDeprecatedUses(database, logger, HOUR_MS);
    for (let use = 0; use < 1_000; use += 1) uses.note(use % 10 === 0 ? 'seldom' : 'often', 'renameThing');
    expect(written).toEqual([]);
    await uses.stop();
    expect(written).toEqual([{ tenants: ['seldom', 'often'], requests: [100, 900] }]);
    await uses.stop();
    expect(written).toHaveLength(1);
  });

  it('however many tenants come at once, what waits is bounded', async () => {
    const { written, database } = databaseThat(async () => 0);
    const uses = createDeprecatedUses(database, logger, HOUR_MS);
    for (let tenant = 0; tenant < 20_000; tenant += 1) uses.note(String(tenant), 'renameThing');
    await uses.stop();
    expect(written.map(({ tenants }) => tenants.length)).toEqual([5_000]);
  });

  it('while the database is away nothing is thrown, statements never overlap, and the counts come later', async () => {
    let running = 0;
    let most = 0;
    let away = true;
    let kept = 0;
    const { written, database } = databaseThat(async () => {
      const { requests: [count = 0] = [] } = written.at(-1) ?? {};
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      if (away) throw new Error('away');
      kept += count;
      return 1;
    });
    const uses = createDeprecatedUses(database, logger, 1);
    let noted = 0;
    await waitFor('some attempts', async () => {
      uses.note('t', 'renameThing');
      noted += 1;
      return written.length > 3;
    });
    away = false;
    const tried = written.length;
    await waitFor('an attempt that succeeds', async () => written.length > tried);
    await uses.stop();
    expect(most).toBe(1);
    expect(kept).toBe(noted);
  });
});
