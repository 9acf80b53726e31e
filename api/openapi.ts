/** The OpenAPI 3.1 document, made of the routes and of the schemas that parse the requests. */
import { z } from 'zod';
import { type ZodOpenApiOperationObject, type ZodOpenApiResponsesObject, createDocument } from 'zod-openapi';
import { DEMO_TENANT } from './identity.ts';
import { type ProblemCode, problemTable } from './problems.ts';
import type { AnswerHeader, Route } from './route.ts';

const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z
      .enum(Object.keys(problemTable) as [ProblemCode, ...ProblemCode[]])
      .meta({ description: 'Stable; decide by this' }),
    errors: z
      .array(z.object({ path: z.string(), code: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'Every field that is wrong' }),
  })
  .meta({ id: 'Problem', description: 'RFC 9457; further members depend on the code' });

const answerHeaders: Record<AnswerHeader, { description: string; example: string }> = {
  ETag: { description: 'The version, for If-Match', example: '"2"' },
  Location: { description: 'Where the result is', example: '/v1/invoices/0b5f6a3e-8f0f-5d8e-9f0c-4f6d2a1b7c3d' },
  'Idempotency-Key': {
    description: 'The key of this command; made by the server when none came',
    example: 'order-7731',
  },
  'Idempotency-Replayed': { description: 'true when this is the answer of an earlier attempt', example: 'true' },
  'Retry-After': { description: 'Seconds to wait', example: '1' },
};

const identityHeaders = {
  'X-Tenant-Id': z
    .guid()
    .optional()
    .meta({ description: `AUTH=demo: the tenant; ${DEMO_TENANT} when absent` }),
  'X-Actor': z.string().min(1).max(100).optional().meta({ description: 'AUTH=demo: who acts, for the history' }),
};
const keyHeader = {
  'Idempotency-Key': z
    .string()
    .min(1)
    .max(255)
    .optional()
    .meta({ description: 'Sent again with the same key, a command takes effect once', example: 'order-7731' }),
};
const ifMatchHeader = {
  'If-Match': z.string().optional().meta({
    description: 'The ETag the caller saw; the step is refused (412) when the invoice has moved on',
    example: '"1"',
  }),
};

export function openApiDocument(routes: readonly Route[], version: string) {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method]: operation(route) };
  }
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Billing',
      version,
      description:
        'Invoices from draft to paid. Every command may be sent again with its Idempotency-Key; errors are RFC 9457 problems.',
    },
    paths,
  });
}

function operation(route: Route): ZodOpenApiOperationObject {
  const headers = {
    ...(route.path.startsWith('/v1/') ? identityHeaders : {}),
    ...(route.command ? keyHeader : {}),
    ...(route.command?.ifMatch ? ifMatchHeader : {}),
  };
  return {
    operationId: route.operationId,
    summary: route.summary,
    ...(route.description ? { description: route.description } : {}),
    tags: [route.tag],
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
    responses: { ...answers(route), ...problems(route) },
  };
}

function answers(route: Route): ZodOpenApiResponsesObject {
  return Object.fromEntries(
    Object.entries(route.answers).map(([status, { description, schema, headers = [] }]) => [
      status,
      {
        description,
        ...(schema ? { content: { 'application/json': { schema } } } : {}),
        ...(headers.length > 0
          ? {
              headers: Object.fromEntries(
                headers.map((name) => [
                  name,
                  {
                    description: answerHeaders[name].description,
                    schema: { type: 'string' as const, examples: [answerHeaders[name].example] },
                  },
                ]),
              ),
            }
          : {}),
      },
    ]),
  );
}

/** Problems that share a status share an answer, with one example a code. */
function problems(route: Route): ZodOpenApiResponsesObject {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of route.problems)
    byStatus.set(problemTable[code].status, [...(byStatus.get(problemTable[code].status) ?? []), code]);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      String(status),
      {
        description: codes.join(', '),
        content: {
          'application/problem+json': {
            schema: problemSchema,
            examples: Object.fromEntries(
              codes.map((code) => [
                code,
                {
                  value: {
                    type: `/problems/${code}`,
                    title: problemTable[code].title,
                    status,
                    detail: problemTable[code].title,
                    instance: route.path,
                    code,
                  },
                },
              ]),
            ),
          },
        },
      },
    ]),
  );
}
