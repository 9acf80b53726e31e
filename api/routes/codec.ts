/**
 * The codec server of the Temporal Web UI: who may see payloads is shown them, in his browser. Temporal itself has no
 * key.
 */
import type { Payload, PayloadCodec } from '@temporalio/common';
import { z } from 'zod';
import type { Logger } from '../../platform/logger.ts';
import { everyRead } from '../problems.ts';
import type { Route } from '../route.ts';
import { parseOrRefuse } from '../validation.ts';

/** To be entered in the Web UI as the endpoint of its codec. */
export const CODEC = '/v1/codec';

/** A page of a history, as the Web UI asks for it. */
const BODY_MAX = 8 * 1024 * 1024;

const base64 = z
  .string()
  .refine((text) => Buffer.from(text, 'base64').toString('base64') === text, {
    error: 'must be base64',
    params: { code: 'not_base64' },
  })
  .meta({ contentEncoding: 'base64' });
const payload = z.looseObject({ metadata: z.record(z.string(), base64).optional(), data: base64.optional() });
const requestSchema = z.strictObject({ payloads: z.array(payload) });
const answerSchema = z.strictObject({ payloads: z.array(payload) }).meta({ id: 'Payloads' });

export const codecRoutes = ({ codec, logger }: { codec: PayloadCodec; logger: Logger }): Route[] =>
  (['encode', 'decode'] as const).map((action) => ({
    method: 'post',
    path: `${CODEC}/${action}`,
    operationId: `${action}Payloads`,
    summary: action === 'decode' ? 'Decrypt payloads of Temporal' : 'Encrypt payloads for Temporal',
    description: 'For the Temporal Web UI. Every use is logged, with who it was.',
    tag: 'Codec',
    scope: 'payloads:decode',
    ofNoTenant: true,
    body: { schema: requestSchema, required: true, examples: { none: { payloads: [] } } },
    bodyMax: BODY_MAX,
    answers: { 200: { description: 'The payloads in their order', schema: answerSchema } },
    problems: [...everyRead, 'validation_failed'],
    handle: async ({ identity: { actor }, body }) => {
      const { payloads } = parseOrRefuse(requestSchema, body);
      const changed = await codec[action](payloads.map(fromJson));
      logger.info({ actor, payloads: payloads.length }, `payloads were asked to be ${action}d`);
      return { status: 200, body: { payloads: changed.map(toJson) } };
    },
  }));

const fromJson = ({ metadata = {}, data = '' }: z.infer<typeof payload>): Payload => ({
  metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')])),
  data: Buffer.from(data, 'base64'),
});

const toJson = ({ metadata, data }: Payload): z.infer<typeof payload> => ({
  metadata: Object.fromEntries(
    Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
  ),
  data: Buffer.from(data ?? []).toString('base64'),
});
