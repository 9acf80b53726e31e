/**
 * The identity of a command.
 *
 * The key (the caller's Idempotency-Key) is the truth and lives in Postgres. An attempt is one try to carry the
 * command out (one HTTP request, one pass of a consumer); its id is the Temporal update id. Temporal keeps the failed
 * outcome of an update id for ever, so a key must never be an update id.
 */
import { createHash } from 'node:crypto';
import { stringify } from 'safe-stable-stringify';
import { v5 as uuidv5, v7 as uuidv7 } from 'uuid';

/** Who made the key: a REST caller or an event of another system. */
export type KeyKind = 'rest' | 'event';

/** Prefixed with its length, no part can run into the next: ("ab","c") and ("a","bc") differ. */
const hashOfParts = (parts: readonly string[]): string =>
  createHash('sha256')
    .update(parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join(''))
    .digest('hex');

/** The key as it is stored: what the caller sent is neither kept nor limited in length. */
export const storedKey = (kind: KeyKind, ...parts: readonly string[]): string => `${kind}:${hashOfParts(parts)}`;

/** What must be the same for a key to mean the same command. `body` is the parsed body; member order does not count. */
export const fingerprintOf = (request: {
  method: string;
  route: string;
  ifMatch: number | null;
  body: unknown;
}): string => hashOfParts([request.method, request.route, String(request.ifMatch), stringify(request.body) ?? '']);

/** Attempts of one key are ordered by their ids (UUIDv7), so that an older one can be told from a newer one. */
export const newAttemptId = (): string => uuidv7();

// Any fixed UUID would do; it only keeps our names apart from other people's.
const INVOICE_NAMESPACE = '6f1d6b0c-7f6e-4c0e-9a51-0d9a4b1f5a7e';
const CASHIER_NAMESPACE = 'c2b7e3d4-5a0f-4e83-8b1c-7d6e9f2a4c35';
const BATCH_NAMESPACE = '9b7f0f52-3f5e-4b0c-8a51-6f0e2d4c7b19';

/** The id of the invoice that a create with this key makes: a retry reaches the same invoice and its workflow. */
export const invoiceIdOf = (tenantId: string, key: string): string => uuidv5(`${tenantId}|${key}`, INVOICE_NAMESPACE);

/** The id of the cashier that a create with this key makes. */
export const cashierIdOf = (tenantId: string, key: string): string => uuidv5(`${tenantId}|${key}`, CASHIER_NAMESPACE);

/** The id of the batch of dead letters that a request with this key starts. */
export const batchIdOf = (tenantId: string, key: string): string => uuidv5(`${tenantId}|${key}`, BATCH_NAMESPACE);
