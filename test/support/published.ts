/**
 * Holds what was answered and sent against what is published: every answer against the OpenAPI document, every event
 * against its JSON Schema. Published schemas are open, so the strict schemas that they are made of are asked too: a
 * member that nobody has declared fails the test.
 */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import type { z } from 'zod';
import { type ApiDeps, apiRoutes } from '../../api/app.ts';
import { openApiDocument } from '../../api/openapi.ts';
import { type ProblemCode, problemSchemas } from '../../api/problems.ts';
import { eventSchema } from '../../api/published-schema.ts';
import type { Route } from '../../api/route.ts';
import { catalogue } from '../../registry/catalogue.ts';
import { schemaOf } from '../../values/schema.ts';
import { eventType } from '../../messaging/cloud-event.ts';

interface PublishedAnswer {
  headers?: Record<string, { required?: boolean }>;
  content?: Record<string, { schema: object; examples?: Record<string, { value: unknown }> }>;
}
export interface PublishedOperation {
  operationId: string;
  requestBody?: { content: Record<string, { schema: object; examples: Record<string, { value: unknown }> }> };
  responses: Record<string, PublishedAnswer>;
}
export interface PublishedDocument {
  paths: Record<string, Record<string, PublishedOperation>>;
  components: { schemas: Record<string, object>; examples: Record<string, { value: unknown }> };
}

/** Nothing is asked of them: only the routes are looked at. */
export const noDeps = {
  authentication: 'demo',
  limits: {
    addressRequestsPerSecond: 1_000_000,
    apiProcesses: 1,
    limitsOf: async () => ({ requestsPerSecond: 1_000_000, commandsAtOnce: 1_000_000 }),
  },
  trustedProxies: 0,
  codec: { encode: async () => [], decode: async () => [] },
  codecOrigins: [],
  wire: { environment: 'test', publicUrl: 'http://localhost:3000' },
  send: {},
  simulatePayments: true,
} as unknown as ApiDeps;

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

const routes = once(() => apiRoutes(noDeps));
export const publishedDocument = once(
  () =>
    JSON.parse(
      JSON.stringify(openApiDocument(routes(), { ...noDeps.wire, version: '0.0.0', isDemo: false })),
    ) as PublishedDocument,
);

/** The document as its readers see it: what stands once among the components stands in its places, but for schemas. */
export function resolvedDocument<D>(document: D): D {
  const resolved = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(resolved);
    const { $ref: reference } = value as { $ref?: unknown };
    const [, kind, name] = /^#\/components\/(?!schemas\/)(\w+)\/(.+)$/.exec(String(reference)) ?? [];
    if (kind === undefined || name === undefined)
      return Object.fromEntries(Object.entries(value).map(([member, one]) => [member, resolved(one)]));
    const { components } = document as { components: Record<string, Record<string, unknown> | undefined> };
    const found = components[kind]?.[name];
    if (found === undefined) throw new Error(`${String(reference)} names nothing.`);
    return resolved(found);
  };
  return resolved(document) as D;
}
const readDocument = once(() => resolvedDocument(publishedDocument()));

/** By their types. */
export const publishedEvents = once(
  () => Object.fromEntries(catalogue.map((event) => [eventType(event), eventSchema(event)])) as Record<string, object>,
);

const ajv = once(() => {
  const made = new Ajv2020({ allErrors: true, strict: true, strictTypes: false, strictRequired: false });
  ajvFormats.default(made);
  // OpenAPI's own, which say nothing about what is valid.
  return made.addVocabulary(['components', 'discriminator']);
});

const compiled = new Map<object, ValidateFunction>();

/** What is wrong with a value by a schema of the document (or of the components beside it), in words; none when it fits. */
export function faultsBySchema(schema: object, value: unknown): string[] {
  let validate = compiled.get(schema);
  if (!validate) {
    validate = ajv().compile({ components: publishedDocument().components, ...schema });
    compiled.set(schema, validate);
  }
  return validate(value) ? [] : (validate.errors ?? []).map(inWords);
}

const inWords = ({ instancePath, message, params }: ErrorObject): string =>
  `${instancePath || 'the whole'} ${message} ${JSON.stringify(params)}`;

function faultsByZod(schema: z.ZodType, value: unknown): string[] {
  const { error } = schema.safeParse(value);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('/') || 'the whole'}: ${message} (strictly)`);
}

const DOCUMENTS = /^\/(?:openapi\.json|docs|metrics|schemas)\b/;
const PROBLEM = 'application/problem+json';

/** Throws unless the answer is one that the OpenAPI document has for this operation. */
export function assertPublished(
  method: string,
  path: string,
  status: number,
  contentType: string | null,
  headers: Headers,
  body: unknown,
): void {
  const pathname = path.split('?')[0] ?? path;
  const mediaType = contentType?.split(';')[0] ?? null;
  const route = routeOf(method === 'HEAD' ? 'GET' : method, pathname);
  const answer = { status, mediaType, headers, body, hasBody: method !== 'HEAD' };
  const faults = route && !isOfNoRoute(body) ? faultsOfRoute(route, answer) : faultsWithoutRoute(pathname, answer);
  if (faults.length === 0) return;
  const told = `${method} ${path} was answered with ${status} ${contentType ?? ''} ${JSON.stringify(body)}`;
  throw new Error(`${told}, which is not as published:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
}

interface Given {
  status: number;
  mediaType: string | null;
  headers: Headers;
  body: unknown;
  hasBody: boolean;
}

/** The route of a path; of two that match, the one with fewer parameters. */
function routeOf(method: string, pathname: string): Route | undefined {
  const parts = pathname.split('/');
  const matching = routes().filter((route) => {
    const template = route.path.split('/');
    const fits = template.every((part, index) => part === parts[index] || (part.startsWith('{') && parts[index]));
    return fits && template.length === parts.length;
  });
  const fewest = Math.min(...matching.map(parameters));
  return matching.find((route) => parameters(route) === fewest && route.method.toUpperCase() === method);
}

const parameters = ({ path }: Route): number => path.split('{').length;

const codeOf = (body: unknown): string => String((body as { code?: unknown } | null)?.code);
const isOfNoRoute = (body: unknown): boolean => ['route_not_found', 'method_not_allowed'].includes(codeOf(body));

function faultsOfRoute(route: Route, { status, mediaType, headers, body, hasBody }: Given): string[] {
  const published = readDocument().paths[route.path]?.[route.method]?.responses[status];
  if (!published) return [`the status ${status} is not declared for ${route.operationId}`];
  const required = Object.entries(published.headers ?? {}).filter((entry) => entry[1].required);
  const missing = required.filter(([name]) => !headers.has(name)).map(([name]) => `the header ${name} is missing`);
  if (!hasBody) return missing;
  if (!published.content) return [...missing, ...(body === null ? [] : ['a body is not declared'])];
  const content = published.content[mediaType ?? ''];
  if (!content) return [...missing, `the media type ${mediaType} is not declared`];
  return [...missing, ...faultsBySchema(content.schema, body), ...strictFaults(route, status, mediaType, body)];
}

function strictFaults(route: Route, status: number, mediaType: string | null, body: unknown): string[] {
  const schema = mediaType === PROBLEM ? problemSchemas[codeOf(body) as ProblemCode] : route.answers[status]?.schema;
  return schema ? faultsByZod(schema, body) : ['there is no schema for it'];
}

/** What no operation answers: the documents, OPTIONS, and problems. */
function faultsWithoutRoute(pathname: string, { status, mediaType, headers, body, hasBody }: Given): string[] {
  if (mediaType === PROBLEM) {
    if (!hasBody) return [];
    const schema = problemSchemas[codeOf(body) as ProblemCode];
    return schema ? faultsByZod(schema, body) : [`${codeOf(body)} is no code of the table`];
  }
  if (status === 204 && headers.has('Allow')) return [];
  return status === 200 && DOCUMENTS.test(pathname) ? [] : ['there is no such operation'];
}

/** Throws unless the data of an event of this type fits the JSON Schema that is published for it. */
export function assertPublishedEvent(type: string, data: unknown): void {
  const event = catalogue.find((one) => eventType(one) === type);
  if (!event?.schema) throw new Error(`There is no event ${type} with a schema in the catalogue.`);
  const faults = [...faultsBySchema(publishedEvents()[type] ?? {}, data), ...faultsByZod(schemaOf(event.schema), data)];
  if (faults.length === 0) return;
  const told = faults.map((fault) => `  ${fault}`).join('\n');
  throw new Error(`${type} is not as published:\n${told}\n${JSON.stringify(data)}`);
}
