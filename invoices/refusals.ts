/** Why a command about an invoice is refused: by every step alike, and by each alone. */
import { z } from 'zod';
import {
  type CommonCode,
  type Refusals,
  commonRefusals,
  refusal,
  refusalWith,
  refusalsOf,
} from '../commands/refusal.ts';
import { type Action, type Status, allowedActions, statuses, stepNames, steps } from './lifecycle.ts';

/** Of any step of an invoice that is there, or should be. */
const ofEveryStep = {
  invoice_not_found: { status: 404, title: 'Invoice not found' },
  transition_not_allowed: {
    status: 409,
    title: 'The invoice’s status does not allow this step',
    members: () => ({
      invoiceStatus: z.enum(statuses).meta({ example: 'paid' }),
      allowedActions: z.array(z.enum(stepNames)).meta({ description: 'What can be done instead', example: [] }),
    }),
  },
} as const satisfies Refusals;

export const invoiceRefusals = { ...ofEveryStep, ...refusalsOf(steps) };
type InvoiceRefusals = typeof invoiceRefusals;

export type InvoiceRefusalCode = keyof InvoiceRefusals | CommonCode;

/** Does the type of a failure say that a command about an invoice was refused? */
export const isInvoiceRefusal = (type: unknown): type is InvoiceRefusalCode =>
  typeof type === 'string' && (Object.hasOwn(invoiceRefusals, type) || Object.hasOwn(commonRefusals, type));

export const invoiceNotFound = (invoiceId: string) => refusal('invoice_not_found', `There is no invoice ${invoiceId}.`);

export const notAllowed = (status: Status, detail: string) =>
  refusalWith(ofEveryStep)('transition_not_allowed', detail, {
    invoiceStatus: status,
    allowedActions: allowedActions(status),
  });

export const cannot = (status: Status, action: Action) =>
  notAllowed(status, `An invoice that is ${status} cannot ${action}.`);
