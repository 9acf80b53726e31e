/**
 * The issuers of access tokens: whose tokens count, and whether one is genuine. A token that is not is the caller's
 * fault (TokenRefused); an issuer whose keys cannot be had is an outage (IssuerAway) and never the caller's.
 */
import { type JWTPayload, createRemoteJWKSet, decodeJwt, errors, jwtVerify } from 'jose';
import { z } from 'zod';
import type { Logger } from './logger.ts';

/** With two keys each: what is signed by a secret that both sides know proves nothing about who signed. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'Ed25519',
  'EdDSA',
] as const;
const CLOCK_TOLERANCE_S = 30;
const FETCH_LIMIT_MS = 3_000;
/** An unknown key makes its set be read again, not more often than this. */
const COOLDOWN_MS = 2_000;
/** So often the keys are read again, so that one that the issuer has withdrawn does not count for longer. */
const REFRESH_MS = 10 * 60_000;
/** So long the last known keys count while the issuer is away: its outage is none of billing. */
const KEYS_MAX_AGE_MS = 12 * 60 * 60_000;

const isLoopback = ({ hostname }: URL): boolean => /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
const isSafe = (url: URL): boolean => url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));
const keysUrl = z
  .string()
  .refine((text) => URL.canParse(text) && isSafe(new URL(text)), 'must be a URL that begins with https://');
const claim = (name: string) => z.string().min(1).default(name);

const issuerSchema = z.strictObject({
  /** As the token's `iss` has it, letter by letter. */
  issuer: z.string().min(1),
  /** What the token's `aud` must name. */
  audience: z.string().min(1),
  jwksUri: keysUrl,
  /** The token's `typ`; RFC 9068 wants at+jwt, and many issuers write JWT. */
  tokenType: z.enum(['at+jwt', 'JWT', 'any']).default('at+jwt'),
  tenantClaim: claim('tenant'),
  scopeClaim: claim('scope'),
});

export type Issuer = z.output<typeof issuerSchema>;

/** The setting that lists issuers, as JSON. */
export const issuersSetting = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue('must be JSON: a list of issuers');
      return z.NEVER;
    }
  })
  .pipe(
    z
      .array(issuerSchema)
      .min(1, 'must list at least one issuer')
      .refine((issuers) => new Set(issuers.map(({ issuer }) => issuer)).size === issuers.length, 'has an issuer twice'),
  );

/** The token does not count; the message says why, and nothing of the token. */
export class TokenRefused extends Error {}

/** The keys of an issuer cannot be read, so nobody knows whether the token counts. */
export class IssuerAway extends Error {}

export interface VerifiedToken {
  issuer: Issuer;
  claims: JWTPayload & { sub: string };
}

export interface Issuers {
  /** Rejects with TokenRefused or IssuerAway. */
  verify: (token: string) => Promise<VerifiedToken>;
  close: () => void;
}

/** Each issuer with keys of its own: a key of one never proves a token of another. */
export function createIssuers(given: readonly Issuer[], logger: Logger): Issuers {
  const known = new Map(given.map((issuer) => [issuer.issuer, { issuer, keys: keysOf(issuer) }]));
  const refresh = () => {
    for (const { issuer, keys } of known.values())
      keys
        .reload()
        .catch((error: unknown) => logger.warn({ err: error, issuer: issuer.issuer }, 'its keys cannot be read'));
  };
  refresh();
  const timer = setInterval(refresh, REFRESH_MS).unref();
  return {
    verify: async (token) => {
      const { issuer, keys } = known.get(issuerOf(token)) ?? refuse('Its issuer is not one of those that count here.');
      const { audience, tokenType } = issuer;
      const typ = tokenType === 'any' ? {} : { typ: tokenType };
      try {
        const { payload } = await jwtVerify(token, keyOrAway(keys), {
          issuer: issuer.issuer,
          audience,
          ...typ,
          algorithms: [...ALGORITHMS],
          requiredClaims: ['sub', 'exp', 'iat'],
          clockTolerance: CLOCK_TOLERANCE_S,
        });
        return { issuer, claims: payload as VerifiedToken['claims'] };
      } catch (error) {
        throw error instanceof errors.JOSEError ? new TokenRefused(reasonOf(error)) : error;
      }
    },
    close: () => clearInterval(timer),
  };
}

type Keys = ReturnType<typeof createRemoteJWKSet>;

const keysOf = ({ jwksUri }: Issuer): Keys =>
  createRemoteJWKSet(new URL(jwksUri), {
    timeoutDuration: FETCH_LIMIT_MS,
    cooldownDuration: COOLDOWN_MS,
    cacheMaxAge: KEYS_MAX_AGE_MS,
  });

/** What the key set says of a token is the token's fault; anything else is that the set cannot be had. */
const keyOrAway =
  (keys: Keys): Keys extends (...args: infer A) => infer R ? (...args: A) => R : never =>
  async (...asked) => {
    try {
      return await keys(...asked);
    } catch (error) {
      const isOfToken =
        error instanceof errors.JWKSNoMatchingKey ||
        error instanceof errors.JWKSMultipleMatchingKeys ||
        error instanceof errors.JOSENotSupported;
      throw isOfToken ? error : new IssuerAway('The keys of the issuer cannot be read.', { cause: error });
    }
  };

function refuse(reason: string): never {
  throw new TokenRefused(reason);
}

function issuerOf(token: string): string {
  try {
    return decodeJwt(token).iss ?? refuse('It names no issuer.');
  } catch (error) {
    if (error instanceof TokenRefused) throw error;
    return refuse('It is no token that can be read.');
  }
}

function reasonOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'It has expired.';
  if (error instanceof errors.JWTClaimValidationFailed) return `Its ${error.claim} is missing or does not count here.`;
  if (error instanceof errors.JOSEAlgNotAllowed) return 'It is signed by an algorithm that does not count here.';
  if (error instanceof errors.JWKSNoMatchingKey) return 'It is signed by a key that its issuer does not publish.';
  return 'Its signature does not count.';
}
