/**
 * Encrypts what Temporal stores: inputs, answers, details, summaries and the messages of failures. In the clear stay the
 * ids of workflows, the names of types and the search attributes. What is not encrypted passes: histories from before.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { METADATA_ENCODING_KEY, type DataConverter, type Payload, type PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { z } from 'zod';

const ENCODING = Buffer.from('binary/encrypted');
const KEY_ID = 'encryption-key-id';
const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const { Payload: wire } = proto.temporal.api.common.v1;

export interface EncryptionKey {
  id: string;
  secret: Uint8Array;
}

const keyText = z
  .string()
  .regex(/^[a-z0-9-]{1,32}:[A-Za-z0-9+/]{43}=$/, 'must be id:key, the key 32 bytes in base64')
  .transform((text): EncryptionKey => {
    const [id = '', secret = ''] = text.split(':');
    return { id, secret: Buffer.from(secret, 'base64') };
  });

/** The setting that lists keys: the first encrypts, all decrypt. */
export const encryptionKeysSetting = z
  .string()
  .transform((text) => text.split(',').map((one) => one.trim()))
  .pipe(
    z
      .array(keyText)
      .min(1)
      .refine((keys) => new Set(keys.map(({ id }) => id)).size === keys.length, 'has a key id twice'),
  );

/** A key as the setting has it. */
export const newEncryptionKey = (id: string): string => `${id}:${randomBytes(KEY_BYTES).toString('base64')}`;

/** A payload was encrypted with a key that is not among the settings. */
export class UnknownKey extends Error {}

/** AES-256-GCM. The key's id stands beside the payload, and is proven with it. */
export function createCodec(keys: readonly EncryptionKey[]): PayloadCodec {
  const [current] = keys;
  if (!current) throw new TypeError('Nothing can be encrypted without a key.');
  const byId = new Map(keys.map((key) => [key.id, key]));
  return {
    encode: async (payloads) => payloads.map((payload) => encrypted(payload, current)),
    decode: async (payloads) => payloads.map((payload) => (isEncrypted(payload) ? decrypted(payload, byId) : payload)),
  };
}

const isEncrypted = ({ metadata }: Payload): boolean =>
  metadata?.[METADATA_ENCODING_KEY] !== undefined && ENCODING.equals(metadata[METADATA_ENCODING_KEY]);

function encrypted(payload: Payload, { id, secret }: EncryptionKey): Payload {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, secret, iv).setAAD(Buffer.from(id));
  const text = wire.encode(payload).finish();
  return {
    metadata: { [METADATA_ENCODING_KEY]: ENCODING, [KEY_ID]: Buffer.from(id) },
    data: Buffer.concat([iv, cipher.update(text), cipher.final(), cipher.getAuthTag()]),
  };
}

function decrypted({ metadata, data }: Payload, keys: ReadonlyMap<string, EncryptionKey>): Payload {
  const id = Buffer.from(metadata?.[KEY_ID] ?? []).toString();
  const key = keys.get(id);
  if (!key) throw new UnknownKey(`There is no encryption key ${id}.`);
  const bytes = data ?? new Uint8Array();
  const decipher = createDecipheriv(CIPHER, key.secret, bytes.subarray(0, IV_BYTES))
    .setAAD(Buffer.from(id))
    .setAuthTag(bytes.subarray(-TAG_BYTES));
  const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
  return wire.decode(text);
}

/** What client and worker are given; nothing is changed without keys. */
export const dataConverterOf = (keys: readonly EncryptionKey[] | undefined): DataConverter =>
  keys ? { payloadCodecs: [createCodec(keys)], failureConverterPath: FAILURE_CONVERTER } : {};

const FAILURE_CONVERTER = fileURLToPath(new URL('failure-converter.cjs', import.meta.url));
