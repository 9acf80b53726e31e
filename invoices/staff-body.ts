/**
 * A body that staff typed in the Web UI. It is parsed in the activity, by the schema by which REST parses, so that staff
 * are told the same as callers; the bodies of our own senders were parsed at their edge.
 *
 * Until 2026-12 staff gave `amountMinor`, a whole number of minor units, in place of `amount`. It is still taken.
 */
import { type Parsed, parseFields } from '../commands/parse.ts';
import type { FieldError } from '../commands/refusal.ts';
import { schemaOf } from '../messaging/event.ts';
import { AMOUNT_MAX_MINOR } from '../values/amount.ts';
import { formatAmount } from '../values/money.ts';
import { dueDateErrorIn } from './due.ts';
import { type Step, type StepBodies, stepOf } from './lifecycle.ts';

interface Typed {
  body: object;
  /** RFC 3339; when it was accepted. */
  acceptedAt: string;
}

/** `invoice` is the one that it is about, if it is there: an amount without a currency is in its currency. */
export function parseStaffBody<S extends Step>(
  step: S,
  { body, acceptedAt }: Typed,
  invoice: { currency: string } | null,
): Parsed<StepBodies[S]> {
  const sent = withAmount(body as Record<string, unknown>, invoice);
  if ('errors' in sent) return sent;
  const parsed = parseFields(schemaOf(stepOf(step).body), sent.data) as Parsed<StepBodies[S]>;
  const wrongDay = 'errors' in parsed ? dueDateErrorIn(body, acceptedAt) : undefined;
  return 'errors' in parsed && wrongDay ? { errors: [...parsed.errors, wrongDay] } : parsed;
}

/** The body with its minor units as the amount that they are. */
function withAmount(
  { amountMinor, ...others }: Record<string, unknown>,
  invoice: { currency: string } | null,
): Parsed<object> {
  if (amountMinor === undefined) return { data: others };
  const wrong = minorUnitsError(amountMinor, others);
  if (wrong) return { errors: [wrong] };
  const currency = others['currency'] ?? invoice?.currency;
  const amount = formatAmount(amountMinor as number, typeof currency === 'string' ? currency : '');
  return { data: { ...others, amount } };
}

function minorUnitsError(amountMinor: unknown, others: Record<string, unknown>): FieldError | undefined {
  const wrong = (message: string): FieldError => ({ path: 'amountMinor', code: 'invalid_type', message });
  if (others['amount'] !== undefined) return wrong('must not be given beside amount');
  const isRight =
    Number.isSafeInteger(amountMinor) && (amountMinor as number) >= 1 && (amountMinor as number) <= AMOUNT_MAX_MINOR;
  return isRight ? undefined : wrong(`must be a whole number of minor units, 1 to ${AMOUNT_MAX_MINOR}`);
}
