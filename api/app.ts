/** The REST application: routes as data, mounted on Express. It does not listen; bin/ does. */
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Response } from 'express';
import helmet from 'helmet';
import { pinoHttp } from 'pino-http';
import swaggerUi from 'swagger-ui-express';
import { z } from 'zod';
import type { SendDeps } from '../commands/send.ts';
import { catalog, eventNames } from '../events/catalog.ts';
import { type WireSettings, eventType } from '../events/cloud-event.ts';
import { type Database, isInfrastructureFailure } from '../platform/database.ts';
import type { Logger } from '../platform/logger.ts';
import { isTemporalFailure } from '../platform/temporal.ts';
import { idempotencyKey } from './headers.ts';
import { demoIdentity, identityOf } from './identity.ts';
import { type MeasuredRequest, measure, noteRoute } from './measure.ts';
import { openApiDocument } from './openapi.ts';
import { Problem, problemDocument, problemTable, unavailable } from './problems.ts';
import type { Route } from './route.ts';
import { cashierCommandRoutes } from './routes/cashier-commands.ts';
import { cashierReadRoutes } from './routes/cashier-reads.ts';
import { deadLetterBatchRoutes } from './routes/dead-letter-batches.ts';
import { deadLetterRoutes } from './routes/dead-letters.ts';
import { healthRoutes } from './routes/health.ts';
import { invoiceCommandRoutes } from './routes/invoice-commands.ts';
import { billingRunRoutes } from './routes/billing-runs.ts';
import { invoiceReadRoutes } from './routes/invoice-reads.ts';
import { operationRoutes } from './routes/operations.ts';
import { simulatePaymentRoute } from './routes/simulate-payment.ts';

export interface ApiDeps {
  database: Database;
  send: SendDeps;
  wire: WireSettings;
  requestDeadlineMs: number;
  /** Never in production: anybody could announce a payment. */
  simulatePayments: boolean;
  logger: Logger;
  metrics: ApiMetrics;
  version: string;
}

export interface ApiMetrics {
  contentType: string;
  text: () => Promise<string>;
  request: (request: MeasuredRequest) => void;
}

const BODY_MAX_BYTES = 64 * 1024;

export function apiRoutes(deps: ApiDeps): Route[] {
  return [
    ...invoiceReadRoutes(deps),
    ...invoiceCommandRoutes(deps),
    ...cashierReadRoutes(deps),
    ...cashierCommandRoutes(deps),
    ...(deps.simulatePayments ? [simulatePaymentRoute(deps)] : []),
    ...billingRunRoutes({ ...deps, ...deps.send }),
    ...deadLetterRoutes(deps),
    ...deadLetterBatchRoutes(deps),
    ...operationRoutes(deps),
    ...healthRoutes({ database: deps.database, client: deps.send.client }),
  ];
}

export function createApp(deps: ApiDeps): Express {
  const app = express();
  const routes = apiRoutes(deps);
  app.disable('x-powered-by');
  app.set('etag', false); // ETags are versions, set by the routes
  app.set('query parser', 'simple');
  app.use(
    pinoHttp({ logger: deps.logger, customLogLevel: logLevel, serializers: { req: requestLine, res: statusOf } }),
  );
  app.use(measure((request) => deps.metrics.request(request)));
  app.use(
    helmet({
      contentSecurityPolicy: { directives: { 'upgrade-insecure-requests': null } },
      strictTransportSecurity: false,
    }),
  );
  mountDocuments(app, routes, deps.version);
  mountMetrics(app, deps.metrics);
  for (const path of pathsOf(routes)) app.all(expressPath(path), noteRoute(path));
  for (const { method, path, bodyMax } of routes)
    if (bodyMax !== undefined) app[method](expressPath(path), demoIdentity, jsonBody(bodyMax));
  app.use('/v1', demoIdentity, jsonBody(BODY_MAX_BYTES));
  for (const route of routes) app[route.method](expressPath(route.path), handler(route));
  for (const path of pathsOf(routes)) app.all(expressPath(path), otherMethods(routes, path));
  app.use((request) => {
    throw new Problem('route_not_found', `There is nothing at ${request.path}.`);
  });
  app.use(errorHandler(deps.logger));
  return app;
}

const pathsOf = (routes: readonly Route[]): Set<string> => new Set(routes.map(({ path }) => path));

/** `/v1/invoices/{id}` -> `/v1/invoices/:id` */
const expressPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1');

const handler =
  (route: Route): RequestHandler =>
  async (request, response) => {
    const key = idempotencyKey(request.get('Idempotency-Key'));
    // Set now, so that problems carry it too: a caller who sent none can still try again safely.
    if (route.command) response.set('Idempotency-Key', key);
    const reply = await route.handle({
      identity: route.path.startsWith('/v1/') ? identityOf(request) : { tenantId: '', actor: '' },
      method: route.method,
      params: request.params as Record<string, string>,
      query: request.query,
      body: request.body,
      header: (name) => request.get(name),
      idempotencyKey: key,
      acceptedAt: new Date().toISOString(),
    });
    response.status(reply.status).set(reply.headers ?? {});
    if (reply.body === undefined) response.end();
    else response.json(reply.body);
  };

const otherMethods =
  (routes: readonly Route[], path: string): RequestHandler =>
  (request) => {
    const allowed = routes.filter((route) => route.path === path).map(({ method }) => method.toUpperCase());
    throw new Problem(
      'method_not_allowed',
      `${request.method} is not possible here; ${allowed.join(', ')} is.`,
      {},
      { Allow: allowed.join(', ') },
    );
  };

/** A body that is not JSON is refused before anything reads it. */
function jsonBody(limit: number): RequestHandler {
  const parseJson = express.json({ limit, strict: true });
  return (request, response, next) => {
    const hasBody = request.get('Transfer-Encoding') !== undefined || Number(request.get('Content-Length') ?? 0) > 0;
    if (hasBody && !request.is('application/json')) {
      throw new Problem(
        'unsupported_media_type',
        `The body must be application/json, not ${request.get('Content-Type') ?? 'without a type'}.`,
      );
    }
    parseJson(request, response, next);
  };
}

/** The OpenAPI document, a page to read it, and the JSON Schemas of the events. */
function mountDocuments(app: Express, routes: readonly Route[], version: string): void {
  const document = openApiDocument(routes, version);
  app.get('/openapi.json', (_request, response) => void response.json(document));
  app.use('/docs', swaggerUi.serve, swaggerUi.setup(document as object, { customSiteTitle: 'Billing API' }));
  for (const name of eventNames) {
    const schema = z.toJSONSchema(catalog[name].schema);
    app.get(`/schemas/${eventType(name)}.json`, (_request, response) => void response.json(schema));
  }
}

/** For Prometheus: nothing in it belongs to a tenant. */
function mountMetrics(app: Express, metrics: ApiMetrics): void {
  app.get('/metrics', async (_request, response) => {
    const text = await metrics.text();
    response.set('Content-Type', metrics.contentType).end(text);
  });
}

const errorHandler =
  (logger: Logger): ErrorRequestHandler =>
  (error, request, response, next) => {
    if (response.headersSent) return next(error);
    const problem = asProblem(error);
    if (problem.code === 'internal_error')
      logger.error({ err: error, path: request.path }, 'a request failed unexpectedly');
    sendProblem(response, problem, request.originalUrl.split('?')[0] ?? '/');
  };

function sendProblem(response: Response, problem: Problem, instance: string): void {
  response
    .status(problemTable[problem.code].status)
    .set(problem.headers)
    .type('application/problem+json')
    .send(JSON.stringify(problemDocument(problem, instance)));
}

/** Errors of Express and its body parser carry a status and a type; anything unknown is ours to mend. */
function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (isInfrastructureFailure(error)) return unavailable('The database does not answer. Send the request again.');
  if (isTemporalFailure(error)) return unavailable('Temporal does not answer. Send the request again.');
  const { status, type, limit } = (error ?? {}) as { status?: number; type?: string; limit?: number };
  if (type === 'entity.too.large')
    return new Problem('payload_too_large', `The body must not be larger than ${limit ?? BODY_MAX_BYTES} bytes.`);
  if (status === 415) return new Problem('unsupported_media_type', 'The body’s encoding or charset is not supported.');
  if (type === 'entity.parse.failed') return new Problem('malformed_request', 'The body is not valid JSON.');
  if (status !== undefined && status >= 400 && status < 500)
    return new Problem('malformed_request', 'The request cannot be read.');
  return new Problem('internal_error', 'The request failed for a reason that is not yours.');
}

const logLevel = (_request: unknown, { statusCode }: { statusCode: number }, error?: Error) =>
  error || statusCode >= 500 ? 'warn' : 'debug';
const requestLine = ({ method, url, id }: { method: string; url: string; id: string }) => ({ method, url, id });
const statusOf = ({ statusCode }: { statusCode: number }) => ({ statusCode });
