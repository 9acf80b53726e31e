/**
 * Who is calling, and for which tenant. The caller is told by a bearer token: one of an issuer, or an API key. AUTH=demo
 * believes what the headers say, and is refused in production (platform/config.ts).
 */
import type { Request, RequestHandler } from 'express';
import { type ApiKeys, isApiKey } from '../access/api-keys.ts';
import { type Caller, type Identity, NO_TENANT, callerOf } from '../access/caller.ts';
import { type Scope, scopeNames } from '../access/scopes.ts';
import { type Issuers, TokenRefused } from '../platform/issuers.ts';
import { oneLine } from '../values/schema.ts';
import { ACTOR_LENGTH, uuidIn } from '../values/text.ts';
import { headerText } from './headers.ts';
import { Problem } from './problems.ts';
import type { Route } from './route.ts';

/** How callers are told apart: by the headers, or by what counts as a bearer token. */
export type Authentication = 'demo' | { issuers: Issuers | null; apiKeys: ApiKeys | null };

export const DEMO_TENANT = '00000000-0000-4000-8000-000000000001';
const DEMO_ACTOR = 'demo';
const allScopes: ReadonlySet<Scope> = new Set(scopeNames);
const actorName = oneLine(...ACTOR_LENGTH);

const callers = new WeakMap<Request, Caller>();

/** Finds out who is calling, before anything else of the request is looked at. */
export const identify =
  (authentication: Authentication): RequestHandler =>
  async (request, _response, next) => {
    callers.set(request, authentication === 'demo' ? demoCaller(request) : await bearer(authentication, request));
    next();
  };

/** Whoever the headers name, and he may do everything. */
export function demoCaller(request: Request): Caller {
  const actor = actorName.safeParse(headerText(request.get('X-Actor')) ?? DEMO_ACTOR);
  if (!actor.success)
    throw new Problem('invalid_header', 'X-Actor must be 1 to 100 characters without control characters.');
  return { actor: actor.data, tenantId: tenantNamed(request) ?? DEMO_TENANT, scopes: allScopes };
}

async function bearer({ issuers, apiKeys }: Exclude<Authentication, 'demo'>, request: Request): Promise<Caller> {
  const token = /^Bearer +([^\s,]+) *$/i.exec(request.get('Authorization') ?? '')?.[1];
  if (token === undefined) throw unauthenticated();
  try {
    if (apiKeys && isApiKey(token)) return await apiKeys.callerOf(token);
    if (issuers && !isApiKey(token)) return callerOf(await issuers.verify(token));
  } catch (error) {
    throw error instanceof TokenRefused ? invalidToken(error.message) : error;
  }
  throw invalidToken('Tokens of this kind do not count here.');
}

/** RFC 6750: who sends nothing is not told that something is wrong with it. */
const unauthenticated = () =>
  new Problem(
    'unauthenticated',
    'The request needs an access token, as Authorization: Bearer.',
    {},
    { 'WWW-Authenticate': 'Bearer' },
  );

const invalidToken = (reason: string) =>
  new Problem(
    'invalid_token',
    `The access token does not count. ${reason}`,
    {},
    { 'WWW-Authenticate': `Bearer error="invalid_token", error_description="${reason.replaceAll(/["\\]/g, "'")}"` },
  );

/** Lets through who has the route's scope and names a tenant that he may name. */
export const authorize =
  (route: Route): RequestHandler =>
  (request, _response, next) => {
    if (route.scope !== null) {
      const caller = callerIn(request);
      requireScopes(caller, [route.scope]);
      identities.set(request, { ...caller, tenantId: tenantOf(caller, request, route) });
    }
    next();
  };

/** RFC 6750: what a caller's token would have to allow. */
const lacks = (scope: string) => ({ 'WWW-Authenticate': `Bearer error="insufficient_scope", scope="${scope}"` });

/** Throws a 403 problem that names the scopes which the caller does not have. */
export function requireScopes({ scopes }: Pick<Caller, 'scopes'>, needed: readonly Scope[]): void {
  const scope = needed.filter((one) => !scopes.has(one)).join(' ');
  if (scope === '') return;
  throw new Problem('insufficient_scope', `The caller may not do this: it needs ${scope}.`, { scope }, lacks(scope));
}

const identities = new WeakMap<Request, Identity>();

/** The identity of a request that was authorized; nobody's at a route that needs none. */
export const identityOf = (request: Request): Identity =>
  identities.get(request) ?? { tenantId: NO_TENANT, actor: '', scopes: new Set() };

function callerIn(request: Request): Caller {
  const caller = callers.get(request);
  if (!caller) throw new TypeError('A route that needs a caller was mounted before the identity.');
  return caller;
}

/** The caller's own; X-Tenant-Id may repeat it, or name any other for who may act for all. */
function tenantOf({ tenantId: own, scopes }: Caller, request: Request, { ofNoTenant = false }: Route): string {
  const isForAll = scopes.has('tenants:all');
  const named = tenantNamed(request) ?? own ?? (isForAll ? NO_TENANT : undefined);
  if (named === undefined || (named === NO_TENANT && !isForAll))
    throw tenantNotAllowed('The caller belongs to no tenant.');
  if (named !== own && !isForAll) throw tenantNotAllowed('The caller belongs to another tenant.');
  if (named === NO_TENANT && !ofNoTenant) throw new Problem('tenant_required', 'X-Tenant-Id must name the tenant.');
  return named;
}

const tenantNotAllowed = (detail: string) =>
  new Problem('tenant_not_allowed', detail, {}, lacks('tenants:all' satisfies Scope));

function tenantNamed(request: Request): string | undefined {
  const header = request.get('X-Tenant-Id');
  const named = uuidIn(header);
  if (header !== undefined && named === undefined) throw new Problem('invalid_tenant', 'X-Tenant-Id must be a UUID.');
  return named;
}
