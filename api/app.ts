/** The REST application: routes as data, mounted on Express. It does not listen; bin/ does. */
import type { DeprecatedUses } from '../access/deprecated-use.ts';
import { type Load, createLoad } from '../commands/load.ts';
import { restKey } from '../commands/key.ts';
import type { SendDeps } from '../commands/send-update.ts';
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Response } from 'express';
import type { PayloadCodec } from '@temporalio/common';
import cors from 'cors';
import helmet from 'helmet';
import { pinoHttp } from 'pino-http';
import swaggerUi from 'swagger-ui-express';
import { catalogue } from '../registry/catalogue.ts';
import { versionedTopics } from '../registry/event-versions.ts';
import { handledEvents } from '../registry/handlers.ts';
import { occasions } from '../registry/occasions.ts';
import { type WireSettings, schemaPath } from '../messaging/cloud-event.ts';
import type { Database } from '../platform/database.ts';
import { failedServer } from '../platform/failed-server.ts';
import { type CommandFields, type Logger, loggedAs } from '../platform/logger.ts';
import { idempotencyKey } from './headers.ts';
import { type Authentication, authorize, identify, identityOf } from './identity.ts';
import { jsonBody } from './json-body.ts';
import { type LimitSettings, createCommandLimit, limitAddress, limitTenant } from './limits.ts';
import { type MeasuredRequest, measure, noteRoute } from './measure.ts';
import { EVENTS_PAGE, asyncApiDocument } from './asyncapi.ts';
import { announce, checkDeprecation, untilSunset } from './deprecation.ts';
import { EVENT_PAGE_STYLE, STYLE_PATH } from './event-page-style.ts';
import { eventsPage } from './event-pages.ts';
import { createStaged } from './event-stages.ts';
import { openApiDocument } from './openapi.ts';
import { Problem, problemDocument, problemTable, unavailable } from './problems.ts';
import { eventSchema } from './published-schema.ts';
import { untilDeadline } from './retry.ts';
import { traceRequest } from './tracing.ts';
import { type Call, type Method, type Route, withParameters } from './route.ts';
import { apiKeyRoutes } from './routes/api-keys.ts';
import { cashierCommandRoutes } from './routes/cashier-commands.ts';
import { cashierReadRoutes } from './routes/cashier-reads.ts';
import { CODEC, codecRoutes } from './routes/codec.ts';
import { deadLetterBatchRoutes } from './routes/dead-letter-batches.ts';
import { deadLetterRoutes } from './routes/dead-letters.ts';
import { eventVersionRoutes } from './routes/event-versions.ts';
import { withDeprecations } from './routes/deprecations.ts';
import { eventRoutes } from './routes/events.ts';
import { eventReplayRoutes } from './routes/event-replays.ts';
import { healthRoutes } from './routes/health.ts';
import { invoiceBatchRoute } from './routes/invoice-batch.ts';
import { invoiceCommandRoutes } from './routes/invoice-commands.ts';
import { billingRunRoutes } from './routes/billing-runs.ts';
import { invoiceReadRoutes } from './routes/invoice-reads.ts';
import { operationRoutes } from './routes/operations.ts';
import { tenantLimitRoutes } from './routes/tenant-limits.ts';
import { simulatePaymentRoute } from './routes/simulate-payment.ts';

export interface ApiDeps {
  database: Database;
  authentication: Authentication;
  limits: LimitSettings;
  deprecatedUses: Pick<DeprecatedUses, 'note'>;
  /** Proxies before the process, each of which notes whom it was asked by in X-Forwarded-For. */
  trustedProxies: number;
  /** null: what Temporal stores is not encrypted. */
  codec: PayloadCodec | null;
  /** Of the Web UIs whose users may ask the codec. */
  codecOrigins: readonly string[];
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
  deprecated: (operation: string) => void;
}

export function apiRoutes(deps: ApiDeps, load: Load = createLoad()): Route[] {
  return withDeprecations(deps, [
    ...invoiceReadRoutes(deps),
    ...invoiceCommandRoutes(deps),
    invoiceBatchRoute({ ...deps, load }),
    ...cashierReadRoutes(deps),
    ...cashierCommandRoutes(deps),
    ...(deps.simulatePayments ? [simulatePaymentRoute(deps)] : []),
    ...billingRunRoutes({ ...deps, ...deps.send }),
    ...deadLetterRoutes(deps),
    ...deadLetterBatchRoutes(deps),
    ...eventVersionRoutes(deps),
    ...eventRoutes(deps),
    ...eventReplayRoutes(deps),
    ...operationRoutes(deps),
    ...apiKeyRoutes(deps),
    ...tenantLimitRoutes(deps),
    ...(deps.codec ? codecRoutes({ codec: deps.codec, logger: deps.logger }) : []),
    ...healthRoutes({ database: deps.database, client: deps.send.client }),
  ]);
}

export function createApp(deps: ApiDeps): Express {
  const load = createLoad();
  return appOf(deps, apiRoutes(deps, load), load);
}

export function appOf(deps: ApiDeps, routes: readonly Route[], load: Load): Express {
  for (const route of routes) checkDeprecation(route);
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false); // ETags are versions, set by the routes
  app.set('query parser', 'simple');
  app.set('trust proxy', deps.trustedProxies);
  app.use('/v1', traceRequest);
  app.use(
    pinoHttp({
      logger: deps.logger,
      customLogLevel: logLevel,
      customProps: (_request, response) => (response as Response).locals['logged'] as object,
      serializers: { req: requestLine, res: statusOf },
    }),
  );
  app.use(measure((request) => deps.metrics.request(request)));
  app.use(
    helmet({
      contentSecurityPolicy: { directives: { 'upgrade-insecure-requests': null } },
      strictTransportSecurity: false,
    }),
  );
  app.use(CODEC, fromPagesOf(deps.codecOrigins));
  const { version } = deps;
  // Before /docs, which answers everything below it.
  const staged = createStaged(deps.database, versionedTopics(deps.wire.environment));
  const settings = { ...deps.wire, occasions, received: handledEvents };
  const { publicUrl } = deps.wire;
  mountPages(app, {
    [EVENTS_PAGE]: { type: 'html', text: staged((stages) => eventsPage(catalogue, { ...settings, stages })) },
    [STYLE_PATH]: { type: 'css', text: async () => EVENT_PAGE_STYLE },
  });
  mountDocuments(app, openApiDocument(routes, { version, publicUrl, isDemo: deps.authentication === 'demo' }));
  mountPages(app, {
    '/asyncapi.json': {
      type: 'json',
      text: staged((stages) =>
        JSON.stringify(asyncApiDocument(catalogue, handledEvents, { ...deps.wire, version, stages })),
      ),
    },
  });
  mountMetrics(app, deps.metrics);
  const paths = byPath(routes);
  for (const [path, here] of paths) {
    app.all(expressPath(path), noteRoute(path), onlyMethods(here.map(({ method }) => method)), announce(here));
  }
  app.use('/v1', limitAddress(deps.limits), identify(deps.authentication));
  const ofTenant = limitTenant(deps.limits);
  const inHandler = { requestDeadlineMs: deps.requestDeadlineMs, load, limitCommand: createCommandLimit(deps.limits) };
  for (const route of [...paths.values()].flat())
    app[route.method](
      expressPath(route.path),
      authorize(route),
      ...(route.scope === null || route.beyondLimits ? [] : [ofTenant]),
      ...(route.deprecated ? [untilSunset(route.deprecated, noting(route, deps))] : []),
      jsonBody(route),
      handler(route, inHandler),
    );
  app.use((request) => {
    throw new Problem('route_not_found', `There is nothing at ${request.path}.`);
  });
  app.use(errorHandler(deps));
  return app;
}

/** The routes of each path. Of two paths that match, the one with the literal segment comes first: `{` is after `z`. */
function byPath(routes: readonly Route[]): Map<string, Route[]> {
  const paths = [...new Set(routes.map(({ path }) => path))].toSorted();
  return new Map(paths.map((path) => [path, routes.filter((route) => route.path === path)]));
}

/** `/v1/invoices/{id}` -> `/v1/invoices/:id` */
const expressPath = (path: string): string => withParameters(path, (name) => `:${name}`);

const noting =
  ({ operationId }: Route, { metrics, deprecatedUses }: Pick<ApiDeps, 'metrics' | 'deprecatedUses'>) =>
  (tenantId: string): void => {
    metrics.deprecated(operationId);
    deprecatedUses.note(tenantId, operationId);
  };

interface HandlerDeps {
  requestDeadlineMs: number;
  load: Load;
  limitCommand: ReturnType<typeof createCommandLimit>;
}

const handler =
  (route: Route, { requestDeadlineMs, load, limitCommand }: HandlerDeps): RequestHandler =>
  async (request, response) => {
    if (route.command) load.note();
    const acceptedAt = Date.now();
    response.locals['acceptedAt'] = acceptedAt;
    const key = idempotencyKey(request.get('Idempotency-Key'));
    // Set now, so that problems carry it too: a caller who sent none can still try again safely.
    if (route.command) response.set('Idempotency-Key', key);
    const call: Call = {
      identity: identityOf(request),
      method: route.method,
      params: request.params as Record<string, string>,
      query: request.query,
      body: request.body,
      header: (name) => request.get(name),
      idempotencyKey: key,
      acceptedAt: new Date(acceptedAt).toISOString(),
    };
    const handle = () => untilDeadline(acceptedAt + requestDeadlineMs, () => route.handle(call));
    const answer = () => (route.command ? loggedAs(commandFields(call, response), handle) : handle());
    const isLimited = route.problems.includes('too_many_commands');
    const reply = isLimited ? await limitCommand(call.identity.tenantId, answer) : await answer();
    response.status(reply.status).set(reply.headers ?? {});
    if (reply.body === undefined) response.end();
    else response.json(reply.body);
  };

/** The line of the request itself is written when all is over, outside of what is logged as the command's. */
function commandFields({ identity, idempotencyKey: key }: Call, response: Response): CommandFields {
  const fields = { commandKey: restKey(identity.tenantId, key) };
  response.locals['logged'] = { ...(response.locals['logged'] as object | undefined), ...fields };
  return fields;
}

/** Lets through what is answered here, answers OPTIONS, and refuses the rest. Express answers HEAD where GET is. */
function onlyMethods(methods: readonly Method[]): RequestHandler {
  const answered = methods.flatMap((method) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]));
  const allow = [...answered, 'OPTIONS'].join(', ');
  return ({ method }, response, next) => {
    if (answered.includes(method)) return next();
    if (method === 'OPTIONS') return response.status(204).set('Allow', allow).end();
    throw new Problem('method_not_allowed', `${method} is not possible here; ${allow} is.`, {}, { Allow: allow });
  };
}

/** Browsers ask from the page of another server, and first of all whether they may. */
function fromPagesOf(origins: readonly string[]): RequestHandler {
  const shared = cors({ origin: [...origins] });
  return (request, response, next) =>
    request.method === 'OPTIONS' && request.get('Access-Control-Request-Method') === undefined
      ? next()
      : shared(request, response, next);
}

/** The OpenAPI document, a page to read it, and the JSON Schemas of the events. */
function mountDocuments(app: Express, openApi: object): void {
  app.all('/openapi.json', onlyMethods(['get']));
  app.get('/openapi.json', (_request, response) => void response.json(openApi));
  app.use(
    '/docs',
    onlyMethods(['get']),
    swaggerUi.serve,
    // Tried is the service that the page is of, by whatever name: its policy lets it ask no other.
    swaggerUi.setup({ ...openApi, servers: [{ url: '/' }] }, { customSiteTitle: 'Billing API' }),
  );
  for (const event of catalogue) {
    const schema = eventSchema(event);
    const path = schemaPath(event);
    app.all(path, onlyMethods(['get']));
    app.get(path, (_request, response) => void response.json(schema));
  }
}

function mountPages(
  app: Express,
  pages: Readonly<Record<string, { type: string; text: () => Promise<string> }>>,
): void {
  for (const [path, { type, text }] of Object.entries(pages)) {
    app.all(path, onlyMethods(['get']));
    app.get(path, async (_request, response) => void response.type(type).send(await text()));
  }
}

/** For Prometheus: nothing in it belongs to a tenant. */
function mountMetrics(app: Express, metrics: ApiMetrics): void {
  app.all('/metrics', onlyMethods(['get']));
  app.get('/metrics', async (_request, response) => {
    const text = await metrics.text();
    response.set('Content-Type', metrics.contentType).end(text);
  });
}

const errorHandler =
  ({ logger, requestDeadlineMs }: Pick<ApiDeps, 'logger' | 'requestDeadlineMs'>): ErrorRequestHandler =>
  (error, request, response, next) => {
    if (response.headersSent) return next(error);
    const problem = asProblem(error);
    if (problem.code === 'internal_error')
      logger.error({ err: error, path: request.path }, 'a request failed unexpectedly');
    if (problem.code === 'temporarily_unavailable') {
      const waitedMs = Date.now() - ((response.locals['acceptedAt'] as number | undefined) ?? Date.now());
      const part = failedServer(error) ?? 'workflow';
      const because: unknown = problem.cause ?? error;
      logger.warn({ err: because, part, waitedMs, requestDeadlineMs, path: request.path }, 'a request had no answer');
    }
    sendProblem(response, problem, request.originalUrl.split('?')[0] ?? '/');
  };

function sendProblem(response: Response, problem: Problem, instance: string): void {
  response
    .status(problemTable[problem.code].status)
    .set(problem.headers)
    .type('application/problem+json')
    .send(JSON.stringify(problemDocument(problem, instance)));
}

/** By class, status and type, never by the words of a message: callers choose words too. What is unknown is ours. */
function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const mistake = mistakeOfCaller(error);
  if (mistake) return mistake;
  const server = failedServer(error);
  if (server) return unavailable(`${server} does not answer. Send the request again.`);
  return new Problem('internal_error', 'The request failed for a reason that is not yours.');
}

/** Express and its router give their errors a status of 4xx; what the body's reader says is a problem already. */
function mistakeOfCaller(error: unknown): Problem | undefined {
  const { status } = (error ?? {}) as { status?: unknown };
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined;
  if (error instanceof URIError)
    return new Problem('malformed_request', 'The path has a % that does not begin an encoded character.');
  return new Problem('malformed_request', 'The request cannot be read.');
}

const logLevel = (_request: unknown, { statusCode }: { statusCode: number }, error?: Error) =>
  error || statusCode >= 500 ? 'warn' : 'debug';
const requestLine = ({ method, url, id }: { method: string; url: string; id: string }) => ({ method, url, id });
const statusOf = ({ statusCode }: { statusCode: number }) => ({ statusCode });
