/** API keys as REST takes and gives them. */
import { z } from 'zod';
import { inBody, instant, instantOut, oneLine, pageCursor, pageLimit, uuid, wholeNumber } from '../values/schema.ts';
import { API_KEY_NAME_LENGTH } from '../values/text.ts';
import { scopeNames } from './scopes.ts';

const DAY_S = 24 * 60 * 60;
const GRACE_MAX_S = 30 * DAY_S;
const CURSOR_LENGTH_MAX = 200;

const expiresAt = instant().nullish().meta({ description: 'null or absent: it does not expire' });

export const makeKeySchema = z.strictObject({
  name: oneLine(...API_KEY_NAME_LENGTH).meta({ description: 'Stands in the history of what is done with the key' }),
  scopes: z
    .array(z.enum(scopeNames))
    .min(1)
    .max(scopeNames.length)
    .meta({ description: 'What the key allows; none that the caller does not have' }),
  expiresAt,
});

export const rotateKeySchema = z
  .strictObject({
    graceSeconds: inBody(wholeNumber(0, GRACE_MAX_S).default(DAY_S)).meta({
      description: 'So long the old key goes on counting',
    }),
    expiresAt,
  })
  .prefault({});

export const listKeysSchema = z.strictObject({ limit: pageLimit(), cursor: pageCursor(CURSOR_LENGTH_MAX) });

const members = {
  id: uuid(),
  name: z.string(),
  scopes: z.array(z.string()),
  createdBy: z.string(),
  createdAt: instantOut(),
  expiresAt: instantOut().nullable(),
  lastUsedAt: instantOut().nullable().meta({ description: 'To the minute' }),
  revokedBy: z.string().nullable(),
  revokedAt: instantOut().nullable(),
};

export const apiKeySchema = z.strictObject(members).meta({ id: 'ApiKey' });
export type WireApiKey = z.infer<typeof apiKeySchema>;

export const madeKeySchema = z
  .strictObject({ ...members, key: z.string().meta({ description: 'Shown this once; sent as a bearer token' }) })
  .meta({ id: 'MadeApiKey' });

export const apiKeyListSchema = z
  .strictObject({ items: z.array(apiKeySchema), nextCursor: z.string().nullable() })
  .meta({ id: 'ApiKeyList' });
