import { z } from 'zod';

/** Its stream would wait for ever for an event that cannot be sent. */
export const eventWithheld = {
  name: 'EventWithheld',
  entity: 'Event',
  version: 1,
  scope: 'public',
  subject: 'tenantId',
  inPlaceOfAnother: true,
  schema: () =>
    z.strictObject({
      withheldId: z.guid().meta({ description: 'The CloudEvents id of the event that is not sent' }),
      withheldType: z.string(),
      reason: z.string(),
    }),
  description: 'Stands in the place of an event that cannot be sent: its topic, its key, its sequence.',
} as const;
