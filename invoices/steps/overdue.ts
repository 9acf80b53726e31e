import { accepted } from '../../commands/decision.ts';
import { defineTimed } from '../step.ts';

/** TIM-01: the due date of a finalized invoice has passed. Told once. */
export const overdue = defineTimed({
  from: ['finalized'],
  pastTense: 'became overdue',
  activity: 'markOverdue',
  once: true,
  example: {},
  decide: (invoice, { acceptedAt }) =>
    invoice.overdueToldAt === null ? accepted({ ...invoice, overdueToldAt: acceptedAt }) : { kind: 'replayed' },
  event: {
    name: 'InvoiceOverdue',
    description: 'A finalized invoice was not paid by its due date; told once.',
  },
});
