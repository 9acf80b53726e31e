import { isUtf8 } from 'node:buffer';

/** Bytes as text, when they are UTF-8; absent ones are empty. */
export const textOf = (bytes: Uint8Array | null): string | null =>
  bytes === null ? '' : isUtf8(bytes) ? Buffer.from(bytes).toString('utf8') : null;
