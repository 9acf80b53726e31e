/** Who is calling, and what he may do. */
import { NIL } from 'uuid';
import { TokenRefused, type VerifiedToken } from '../platform/issuers.ts';
import { oneLine } from '../values/schema.ts';
import { ACTOR_LENGTH, uuidIn } from '../values/text.ts';
import { type Scope, isScope } from './scopes.ts';

export interface Caller {
  /** As history, audit and the Web UI show it. */
  actor: string;
  /** The tenant that the caller belongs to; null: he belongs to none. */
  tenantId: string | null;
  scopes: ReadonlySet<Scope>;
}

/** A caller at a route that he may use, for a tenant that he may act for. */
export interface Identity extends Caller {
  /** NO_TENANT for what belongs to none, at the routes that say so. */
  tenantId: string;
}

/** What belongs to no tenant stands under it. */
export const NO_TENANT = NIL;

const actorName = oneLine(...ACTOR_LENGTH);

/** The caller that a token speaks of. Throws TokenRefused when a claim is not as it must be. */
export function callerOf({ issuer, claims }: VerifiedToken): Caller {
  const { tenantClaim, scopeClaim } = issuer;
  const tenant = claims[tenantClaim];
  const tenantId = tenant === undefined ? null : uuidIn(tenant);
  if (tenantId === undefined) throw new TokenRefused(`Its ${tenantClaim} is no UUID.`);
  return { actor: actorOf(claims), tenantId, scopes: scopesIn(claims[scopeClaim]) };
}

/** The subject, with the application that acts for it where the issuer names another. */
function actorOf({ sub, client_id: client, azp = client }: VerifiedToken['claims']): string {
  const subject = actorName.safeParse(sub);
  if (!subject.success) throw new TokenRefused('Its sub must be 1 to 100 characters without control characters.');
  const both = typeof azp === 'string' && azp !== sub ? actorName.safeParse(`${sub} (${azp})`) : subject;
  return (both.success ? both : subject).data;
}

/** One text with spaces as RFC 8693 has it, or a list. Those of other services are passed over. */
function scopesIn(claim: unknown): Set<Scope> {
  const texts: unknown[] = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [];
  return new Set(texts.filter((text) => typeof text === 'string').filter(isScope));
}
