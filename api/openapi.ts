/** The OpenAPI 3.1 document, made of the routes and of the schemas that parse the requests. */
import { scopeNames, scopes } from '../access/scopes.ts';
import { oneLine, untrimmed } from '../values/schema.ts';
import { z } from 'zod';
import {
  type ZodOpenApiExampleObject,
  type ZodOpenApiHeaderObject,
  type ZodOpenApiHeadersObject,
  type ZodOpenApiOperationObject,
  type ZodOpenApiResponseObject,
  type ZodOpenApiResponsesObject,
  createDocument,
} from 'zod-openapi';
import { ACTOR_LENGTH, KEY_LENGTH } from '../values/text.ts';
import { EVENTS_PAGE } from './asyncapi.ts';
import { deprecationHeaderNames, deprecationInWords } from './deprecation.ts';
import { DEMO_TENANT } from './identity.ts';
import {
  Problem,
  type ProblemCode,
  membersOf,
  problemCodes,
  problemDocument,
  problemSchemas,
  problemTable,
} from './problems.ts';
import { published } from './published-schema.ts';
import type { AnswerHeader, Route } from './route.ts';

const answerHeaders: Record<AnswerHeader, { description: string; example: string; required?: false }> = {
  ETag: { description: 'The version, for If-Match', example: '"2"' },
  Location: { description: 'Where the result is', example: '/v1/invoices/0b5f6a3e-8f0f-5d8e-9f0c-4f6d2a1b7c3d' },
  'Idempotency-Key': {
    description: 'The key of this command; made by the server when none came',
    example: 'order-7731',
  },
  'Idempotency-Replayed': {
    description: 'true when this is the answer of an earlier attempt',
    example: 'true',
    required: false,
  },
  'Retry-After': { description: 'Seconds to wait', example: '1' },
  'WWW-Authenticate': {
    description: 'RFC 6750: what the token lacks',
    example: 'Bearer error="insufficient_scope", scope="invoices:pay"',
  },
  Deprecation: { description: 'RFC 9745: since when nobody should begin to use it', example: '@1796083200' },
  Sunset: { description: 'RFC 8594: when it ends', example: 'Mon, 31 May 2027 23:59:59 GMT' },
  Link: {
    description: 'RFC 8288: where it is explained (deprecation), and what takes its place (successor-version)',
    example: '</docs>; rel="deprecation", </v2/invoices>; rel="successor-version"',
  },
};

const demoHeaders = {
  'X-Tenant-Id': z
    .guid()
    .optional()
    .meta({ description: `AUTH=demo: the tenant; ${DEMO_TENANT} when absent`, param: { id: 'TenantId' } }),
  'X-Actor': oneLine(...ACTOR_LENGTH)
    .optional()
    .meta({ description: 'AUTH=demo: who acts, for the history', param: { id: 'Actor' } }),
};
const tenantHeader = {
  'X-Tenant-Id': z
    .guid()
    .optional()
    .meta({
      description: 'The tenant, for a caller who may act for all; any other may repeat his own',
      param: { id: 'TenantId' },
    }),
};
const keyHeader = {
  'Idempotency-Key': untrimmed(...KEY_LENGTH)
    .optional()
    .meta({
      description: 'Sent again with the same key, a command takes effect once',
      example: 'order-7731',
      param: { id: 'IdempotencyKey' },
    }),
};
const ifMatchHeader = {
  'If-Match': z
    .string()
    .optional()
    .meta({
      description: 'The ETag the caller saw; the step is refused (412) when the invoice has moved on',
      example: '"1"',
      param: { id: 'IfMatch' },
    }),
};

export interface DocumentSettings {
  version: string;
  /** Where callers reach the service, without a slash at the end. */
  publicUrl: string;
  /** AUTH=demo: headers say who calls, in place of a bearer token. */
  isDemo: boolean;
}

export function openApiDocument(routes: readonly Route[], { version, publicUrl, isDemo }: DocumentSettings) {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  const problemAnswer = problemAnswers();
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method]: operation(route, isDemo, problemAnswer) };
  }
  return createDocument(
    {
      openapi: '3.1.0',
      info: {
        title: 'Billing',
        version,
        description:
          'Invoices from draft to paid. Every command may be sent again with its Idempotency-Key; errors are RFC 9457 problems.',
      },
      servers: [{ url: publicUrl, description: 'This service' }, anyServer],
      externalDocs: { description: 'The events, for people', url: `${publicUrl}${EVENTS_PAGE}` },
      paths,
      components: { headers: headersIn(routes), ...(isDemo ? {} : { securitySchemes: { bearer } }) },
    },
    { override: published },
  );
}

const anyServer = {
  url: '{scheme}://{host}:{port}',
  description: 'Any other; by default the one that npm start brings',
  variables: {
    scheme: { enum: ['http', 'https'], default: 'http' },
    host: { default: '127.0.0.1' },
    port: { default: '3000' },
  },
};

const bearer = {
  type: 'http',
  scheme: 'bearer',
  description: [
    'An access token of an issuer, or an API key. Scopes:',
    '',
    ...scopeNames.map((scope) => `- \`${scope}\`: ${scopes[scope]}`),
  ].join('\n'),
} as const;

function operation(route: Route, isDemo: boolean, problemAnswer: ProblemAnswer): ZodOpenApiOperationObject {
  const { scope, deprecated } = route;
  const description = [route.description, deprecated && deprecationInWords(deprecated)].filter(Boolean).join('\n\n');
  const headers = {
    ...(scope === null ? {} : isDemo ? demoHeaders : tenantHeader),
    ...(route.command ? keyHeader : {}),
    ...(route.command?.ifMatch ? ifMatchHeader : {}),
  };
  return {
    operationId: route.operationId,
    summary: route.summary,
    ...(description ? { description } : {}),
    ...(deprecated ? { deprecated: true, 'x-sunset': deprecated.sunset } : {}),
    tags: [route.tag],
    ...(scope === null || isDemo ? {} : { security: [{ bearer: [scope] }] }),
    requestParams: {
      ...(route.params ? { path: route.params } : {}),
      ...(route.query ? { query: route.query } : {}),
      ...(Object.keys(headers).length > 0 ? { header: z.object(headers) } : {}),
    },
    ...(route.body
      ? {
          requestBody: {
            required: route.body.required,
            content: {
              'application/json': {
                schema: route.body.schema,
                examples: Object.fromEntries(
                  Object.entries(route.body.examples).map(([name, value]) => [name, { value }]),
                ),
              },
            },
          },
        }
      : {}),
    responses: { ...answers(route), ...problems(route, problemAnswer) },
  };
}

function answers({ answers: byStatus, command, deprecated }: Route): ZodOpenApiResponsesObject {
  const everywhere = [
    ...(command ? (['Idempotency-Key'] as const) : []),
    ...(deprecated ? deprecationHeaderNames : []),
  ];
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, { description, schema, headers = [] }]) => [
      status,
      {
        description,
        ...(schema ? { content: { 'application/json': { schema } } } : {}),
        ...headersOf([...headers, ...everywhere]),
      },
    ]),
  );
}

/** Those of a route that will go are there when there is one. */
function headersIn(routes: readonly Route[]): Record<string, ZodOpenApiHeaderObject> {
  const unused: readonly string[] = routes.some(({ deprecated }) => deprecated) ? [] : deprecationHeaderNames;
  const used = Object.entries(answerHeaders).filter(([name]) => !unused.includes(name));
  return Object.fromEntries(
    used.map(([name, { description, example, required = true }]) => [
      name,
      { description, required, schema: { type: 'string', examples: [example] } },
    ]),
  );
}

function headersOf(names: readonly AnswerHeader[]): { headers?: ZodOpenApiHeadersObject } {
  if (names.length === 0) return {};
  const headers = names.map((name) => [name, { $ref: `#/components/headers/${name}` }]);
  return { headers: Object.fromEntries(headers) as ZodOpenApiHeadersObject };
}

/** Problems that share a status share an answer. */
function problems(route: Route, problemAnswer: ProblemAnswer): ZodOpenApiResponsesObject {
  const byStatus = new Map<number, ProblemCode[]>();
  const own = new Set([...route.problems, ...(route.deprecated ? (['operation_gone'] as const) : [])]);
  for (const code of problemCodes.filter((one) => own.has(one))) {
    const { status } = problemTable[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries([...byStatus].map(([status, codes]) => [String(status), problemAnswer(route, codes)]));
}

/** Problems with one of these headers share their status only with others that have it too. */
const headersOfProblem: Partial<Record<ProblemCode, readonly AnswerHeader[]>> = {
  temporarily_unavailable: ['Retry-After'],
  rate_limited: ['Retry-After'],
  too_many_commands: ['Retry-After'],
  unauthenticated: ['WWW-Authenticate'],
  invalid_token: ['WWW-Authenticate'],
  insufficient_scope: ['WWW-Authenticate'],
  tenant_not_allowed: ['WWW-Authenticate'],
};

type ProblemAnswer = (route: Route, codes: readonly ProblemCode[]) => ZodOpenApiResponseObject;

/**
 * The answers that are problems, each once in the document however many operations have it. Its name lists its codes;
 * each code has one schema and one example.
 */
function problemAnswers(): ProblemAnswer {
  const made = new Map<string, ZodOpenApiResponseObject>();
  const examples = new Map<ProblemCode, ZodOpenApiExampleObject>();
  const exampleOf = (code: ProblemCode, path: string): ZodOpenApiExampleObject =>
    kept(examples, code, () => ({ id: code, value: problemExample(code, path) }));
  return ({ path, deprecated }, codes) => {
    const id = [...codes, ...(deprecated ? ['deprecated'] : [])].join('.');
    return kept(made, id, () => {
      const [first, ...others] = codes.map((code) => problemSchemas[code]);
      if (!first) throw new TypeError('An answer has no code.');
      return {
        id,
        description: codes.join(', '),
        ...headersOf([
          ...codes.flatMap((code) => headersOfProblem[code] ?? []).slice(0, 1),
          ...(deprecated ? deprecationHeaderNames : []),
        ]),
        content: {
          'application/problem+json': {
            schema: others.length === 0 ? first : z.discriminatedUnion('code', [first, ...others]),
            examples: Object.fromEntries(codes.map((code) => [code, exampleOf(code, path)])),
          },
        },
      };
    });
  };
}

function kept<K, V>(all: Map<K, V>, key: K, make: () => V): V {
  const value = all.get(key) ?? make();
  all.set(key, value);
  return value;
}

function problemExample(code: ProblemCode, path: string): Record<string, unknown> {
  const members = Object.entries(membersOf(code)).map(([name, schema]) => [
    name,
    z.globalRegistry.get(schema)?.['example'],
  ]);
  const { title } = problemTable[code];
  return problemDocument(new Problem(code, title, Object.fromEntries(members) as never), path);
}
