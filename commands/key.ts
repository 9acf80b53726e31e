/**
 * The identity of a command.
 *
 * The key (the caller's Idempotency-Key) is the truth and lives in Postgres. An attempt is one try to carry the
 * command out (one HTTP request, one pass of a consumer); its id is the Temporal update id. Temporal keeps the failed
 * outcome of an update id for ever, so a key must never be an update id.
 */
import { createHash } from 'node:crypto';
import { stringify } from 'safe-stable-stringify';
import { v7 as uuidv7 } from 'uuid';

/** Who made the key: a REST caller or an event of another system. */
export type KeyKind = 'rest' | 'event';

/** Prefixed with its length, no part can run into the next: ("ab","c") and ("a","bc") differ. */
const hashOfParts = (parts: readonly string[]): string =>
  createHash('sha256')
    .update(parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join(''))
    .digest('hex');

/** The key as it is stored: what the caller sent is neither kept nor limited in length. */
export const storedKey = (kind: KeyKind, ...parts: readonly string[]): string => `${kind}:${hashOfParts(parts)}`;

/** The key of a command that came over REST. */
export const restKey = (tenantId: string, idempotencyKey: string): string =>
  storedKey('rest', tenantId, idempotencyKey);

/** What must be the same for a key to mean the same command. `body` is the parsed body; member order does not count. */
export const fingerprintOf = (request: {
  method: string;
  route: string;
  ifMatch: number | null;
  body: unknown;
}): string => hashOfParts([request.method, request.route, String(request.ifMatch), stringify(request.body) ?? '']);

/** Attempts of one key are ordered by their ids (UUIDv7), so that an older one can be told from a newer one. */
export const newAttemptId = (): string => uuidv7();
