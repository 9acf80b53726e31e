/**
 * How much callers may ask for: requests a second of an address, before anybody knows who calls, and of a tenant after
 * it; commands of a tenant that are being carried out. Each process counts its own part.
 */
import type { Request, RequestHandler } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import type { Limits } from '../access/limits.ts';
import { identityOf } from './identity.ts';
import { Problem } from './problems.ts';

const WINDOW_MS = 1_000;
const RETRY_AFTER = { 'Retry-After': '1' };

export interface LimitSettings {
  addressRequestsPerSecond: number;
  limitsOf: (tenantId: string) => Promise<Limits>;
  /** Among how many the limits are divided. */
  apiProcesses: number;
}

/** The part of this process, at least one. */
const partOf = (limit: number, { apiProcesses }: LimitSettings): number => Math.max(1, Math.ceil(limit / apiProcesses));

const perSecond = (
  keyGenerator: (request: Request) => string,
  limit: (request: Request) => number | Promise<number>,
  detail: string,
): RequestHandler =>
  rateLimit({
    windowMs: WINDOW_MS,
    limit,
    keyGenerator,
    // Told on every answer what is left; how long to wait, in Retry-After, only on a refusal.
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    validate: false,
    handler: (_request, _response, next) => next(new Problem('rate_limited', detail, {}, RETRY_AFTER)),
  });

export const limitAddress = (settings: LimitSettings): RequestHandler =>
  perSecond(
    ({ ip = '' }) => ipKeyGenerator(ip),
    () => partOf(settings.addressRequestsPerSecond, settings),
    'Too many requests come from this address.',
  );

/** To be mounted where the tenant is known. */
export const limitTenant = (settings: LimitSettings): RequestHandler =>
  perSecond(
    (request) => identityOf(request).tenantId,
    async (request) => partOf((await settings.limitsOf(identityOf(request).tenantId)).requestsPerSecond, settings),
    'The tenant sends too many requests.',
  );

/** Runs a command unless too many of its tenant are being carried out. */
export function createCommandLimit(settings: LimitSettings) {
  const running = new Map<string, number>();
  return async <T>(tenantId: string, command: () => Promise<T>): Promise<T> => {
    const max = partOf((await settings.limitsOf(tenantId)).commandsAtOnce, settings);
    const now = running.get(tenantId) ?? 0;
    if (now >= max)
      throw new Problem('too_many_commands', `${max} commands of the tenant are being carried out.`, {}, RETRY_AFTER);
    running.set(tenantId, now + 1);
    try {
      return await command();
    } finally {
      const left = (running.get(tenantId) ?? 1) - 1;
      if (left === 0) running.delete(tenantId);
      else running.set(tenantId, left);
    }
  };
}
