/** Which failures are a server's fault: what they made fail may pass. */
import { isInfrastructureFailure } from './database-errors.ts';
import { IssuerAway } from './issuers.ts';
import { isTemporalFailure } from './temporal.ts';

/** Which server a failure is the fault of; undefined for what would fail again. */
export function failedServer(error: unknown): 'Postgres' | 'Temporal' | 'The issuer of the token' | undefined {
  if (error instanceof IssuerAway) return 'The issuer of the token';
  if (isInfrastructureFailure(error)) return 'Postgres';
  return isTemporalFailure(error) ? 'Temporal' : undefined;
}

/** Would the same work, tried again later, have a chance? */
export const mayPass = (error: unknown): boolean => failedServer(error) !== undefined;
