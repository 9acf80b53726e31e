/** The OpenAPI document and what the server really answers are made of the same routes; this holds them together. */
import type { Express } from 'express';
import { beforeAll, expect, it } from 'vitest';
import { type ApiDeps, apiRoutes, createApp } from '../../api/app.ts';
import { openApiDocument } from '../../api/openapi.ts';
import { problemTable } from '../../api/problems.ts';
import { createLogger } from '../../platform/logger.ts';
import { noDeps, resolvedDocument } from '../support/published.ts';

// Nothing is asked of them: only the routes are looked at.
const deps: ApiDeps = {
  ...noDeps,
  logger: createLogger({ level: 'silent', name: 'test' }),
  version: '0.0.0',
};

const PROBLEM = 'application/problem+json';
type Examples = Record<string, { value: { code: string } }>;

interface Operation {
  operationId: string;
  requestBody?: { content: { 'application/json': { schema: object; examples: object } } };
  responses: Record<string, { content?: Record<string, { examples?: Examples }>; headers?: object }>;
}

let document: { openapi: string; paths: Record<string, Record<string, Operation>> };
let app: Express;
beforeAll(() => {
  const whole = openApiDocument(apiRoutes(deps), { ...noDeps.wire, version: '0.0.0', isDemo: true });
  document = resolvedDocument(whole) as unknown as typeof document;
  app = createApp(deps);
});

/** Method and path of everything that Express would route below /v1 and /health. */
function mountedRoutes(): string[] {
  const { stack } = app.router as unknown as {
    stack: { route?: { path: string; methods: Record<string, boolean> } }[];
  };
  return stack.flatMap(({ route }) =>
    // The routes for "method not allowed" take every method; a real one takes one.
    route && Object.keys(route.methods).length === 1 && /^\/(v1|health)\b/.test(route.path)
      ? Object.keys(route.methods).map((method) => `${method} ${route.path.replaceAll(/:(\w+)/g, '{$1}')}`)
      : [],
  );
}

it('every route of the server is in the document, and nothing else is', () => {
  const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  const mounted = [...new Set(mountedRoutes())];
  expect(mounted).toContain('post /v1/invoices/{id}/pay');
  expect(documented.toSorted()).toEqual(mounted.toSorted());
});

it('is OpenAPI 3.1, with examples, errors and headers', () => {
  expect(document.openapi).toBe('3.1.0');
  const pay = document.paths['/v1/invoices/{id}/pay']?.['post'];
  expect(pay?.requestBody?.content['application/json'].examples).toHaveProperty('transfer');
  expect(Object.keys(pay?.responses ?? {})).toEqual(
    expect.arrayContaining(['200', '202', '404', '409', '412', '422', '503']),
  );
  expect(pay?.responses['200']?.headers).toHaveProperty('ETag');
  expect(JSON.stringify(pay?.responses['409'])).toContain('payment_reference_used');
});

it('every operation names the answers that can be problems, with codes of the table', () => {
  for (const methods of Object.values(document.paths)) {
    for (const { operationId, responses } of Object.values(methods)) {
      const examples = Object.values(responses).flatMap(({ content }) =>
        Object.values(content?.[PROBLEM]?.examples ?? {}).map(({ value }) => value.code),
      );
      expect(operationId).toMatch(/^[a-z]\w+$/);
      expect(examples.length).toBeGreaterThan(0);
      for (const code of examples) expect(problemTable).toHaveProperty(code);
    }
  }
});
