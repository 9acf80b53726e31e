import { z } from 'zod';
import { accepted } from '../../commands/decision.ts';
import { reminderPolicy } from '../due.ts';
import { type Asked, defineTimed } from '../step.ts';

export interface RemindBody {
  /** Which reminder it is, 1 or more. */
  number: number;
}

/** TIM-02: it is time to ask for the payment of a finalized invoice. Each reminder is told at most once. */
export const remind = defineTimed({
  from: ['finalized'],
  pastTense: 'reminded of the payment',
  activity: 'remindOfPayment',
  example: { number: 1 },
  decide: (invoice, { body: { number } }: Asked<RemindBody>) =>
    number <= invoice.remindersSent ? { kind: 'replayed' } : accepted({ ...invoice, remindersSent: number }),
  event: {
    name: 'InvoicePaymentReminderDue',
    description: 'It is time to ask for the payment of a finalized invoice.',
    more: () => ({
      reminder: z.int().min(1).meta({ description: 'Which reminder this is' }),
      reminders: z.int().min(1).meta({ description: 'How many there are at most' }),
    }),
    data: ({ command }) => ({ reminder: command.body.number, reminders: reminderPolicy.max }),
  },
});
