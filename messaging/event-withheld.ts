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
      withheldType: z.string().meta({ description: 'Its type' }),
      reason: z.string().meta({ description: 'Why, in the words of the person who decided it' }),
    }),
  description:
    'Stands in the place of an event that cannot be sent: its topic, its key, its sequence. A person has decided so and says why; who counts sequences finds no gap. Until then the event holds up its own stream, and no other.',
  example: () => ({
    withheldId: '01922f3e-6a0b-7c1d-8e2f-3a4b5c6d7e8f',
    withheldType: 'billing.invoice.paid.v1',
    reason: 'The topic does not take so large a record; the payment was told by mail',
  }),
} as const;
