/** The fields in which a cashier is added and changed. */
import { z } from 'zod';
import { refusal } from '../commands/refusal.ts';
import { oneLine } from '../values/schema.ts';
import { cashierTexts } from '../values/text.ts';
import type { CashierLookupPort, CashierLookups } from './step.ts';

export const name = oneLine(...cashierTexts.name).meta({ example: 'Kasse Nord' });
export const email = oneLine(...cashierTexts.email)
  .pipe(z.email())
  .meta({ description: 'Unique in the tenant, in any case', example: 'nord@example.com' });

export const emailRefusals = {
  email_taken: { status: 409, title: 'The e-mail address belongs to another cashier' },
} as const;

export const emailTaken = () => refusal('email_taken', 'Another cashier of the tenant has this e-mail address.');

export const lookUpEmail = async (
  { body }: { body: { email?: string | undefined } },
  port: CashierLookupPort,
): Promise<CashierLookups> => (body.email === undefined ? {} : { emailTaken: await port.emailTaken(body.email) });
