/** The request headers: text, and a command's identity and expectation. */
import { randomUUID } from 'node:crypto';
import { KEY_LENGTH } from '../values/text.ts';
import { Problem } from './problems.ts';

const KEY_CHARACTERS = /^[\x21-\x7e]*$/;
const STRONG_ETAG = /^"([1-9]\d{0,8})"$/;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * A header as its sender wrote it. Node reads the bytes as Latin-1; most senders mean UTF-8. Bytes that are no UTF-8
 * are Latin-1 indeed, as browsers send it.
 */
export function headerText(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  try {
    return utf8.decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}

/** The caller's key, or one made here (and returned) when none came. */
export function idempotencyKey(header: string | undefined): string {
  if (header === undefined) return randomUUID();
  const [min, max] = KEY_LENGTH;
  if (header.length < min || header.length > max || !KEY_CHARACTERS.test(header))
    throw new Problem('invalid_header', `Idempotency-Key must be ${min} to ${max} visible ASCII characters.`);
  return header;
}

/** The version that If-Match names; null without the header or for `*`. */
export function expectedVersion(header: string | undefined): number | null {
  if (header === undefined || header.trim() === '*') return null;
  const match = STRONG_ETAG.exec(header.trim());
  if (!match)
    throw new Problem('invalid_header', 'If-Match must be one strong ETag as an answer gave it, such as "2", or *.');
  return Number(match[1]);
}

export const etag = (version: number): string => `"${version}"`;
