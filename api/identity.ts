/**
 * Who is calling. Until callers are authenticated, AUTH=demo believes what the headers say: the tenant from
 * X-Tenant-Id, the actor from X-Actor. It refuses to start in production (platform/config.ts).
 */
import { oneLine } from '../values/schema.ts';
import type { Request, RequestHandler } from 'express';
import { ACTOR_LENGTH, uuidIn } from '../values/text.ts';
import { headerText } from './headers.ts';
import { Problem } from './problems.ts';

export interface Identity {
  tenantId: string;
  actor: string;
}

export const DEMO_TENANT = '00000000-0000-4000-8000-000000000001';
const DEMO_ACTOR = 'demo';
const actorName = oneLine(...ACTOR_LENGTH);

const identities = new WeakMap<Request, Identity>();

export const demoIdentity: RequestHandler = (request, _response, next) => {
  const tenantId = uuidIn(request.get('X-Tenant-Id') ?? DEMO_TENANT);
  if (tenantId === undefined) throw new Problem('invalid_tenant', 'X-Tenant-Id must be a UUID.');
  const actor = actorName.safeParse(headerText(request.get('X-Actor')) ?? DEMO_ACTOR);
  if (!actor.success)
    throw new Problem('invalid_header', 'X-Actor must be 1 to 100 characters without control characters.');
  identities.set(request, { tenantId, actor: actor.data });
  next();
};

export function identityOf(request: Request): Identity {
  const identity = identities.get(request);
  if (!identity) throw new TypeError('A route that needs a caller was mounted before the identity.');
  return identity;
}
