/** Why a decision about a version is refused. */
import { z } from 'zod';
import { type Refusals, refusalWith } from '../commands/refusal.ts';
import { stages } from './stage.ts';

export const eventVersionRefusals = {
  event_version_stage: {
    status: 409,
    title: 'The version is at another stage',
    members: () => ({ stage: z.enum(stages).meta({ example: 'closed' }) }),
  },
  event_version_not_replaced: {
    status: 409,
    title: 'The version after it does not have everything yet',
    members: () => ({ replacement: z.string().nullable().meta({ example: 'prod.billing.public.invoices.v2' }) }),
  },
  event_version_in_use: {
    status: 409,
    title: 'The version may still be read',
    members: () => ({
      readers: z
        .array(z.string())
        .meta({ description: 'Consumer groups seen lately, at most 20', example: ['warehouse'] }),
    }),
  },
} as const satisfies Refusals;

export const refusal = refusalWith(eventVersionRefusals);
