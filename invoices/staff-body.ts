/**
 * A body that staff typed in the Web UI. It is parsed in the activity, by the schema by which REST parses, so that
 * staff are told the same as callers; the bodies of our own senders were parsed at their edge.
 *
 * Until 2026-12 staff gave `amountMinor`, a whole number of minor units, in place of `amount`. It is still taken.
 */
import { schemaOf } from '../values/schema.ts';
import { type Parsed, parseFields } from '../commands/parse.ts';
import type { FieldError } from '../commands/refusal.ts';
import { AMOUNT_MAX_MINOR } from '../values/amount.ts';
import { currencyCode, formatAmount } from '../values/money.ts';
import { trimmed } from '../values/text.ts';
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
  const { amountMinor, ...others } = body as Record<string, unknown>;
  const isMinor = amountMinor !== undefined;
  const sent = isMinor ? { ...others, amount: amountOf(amountMinor, others, invoice) } : others;
  const wrong = isMinor ? minorUnitsError(amountMinor, others) : amountError(others);
  const parsed = parseFields(schemaOf(stepOf(step).body), sent) as Parsed<StepBodies[S]>;
  if (!wrong && 'data' in parsed) return parsed;
  const found = 'errors' in parsed ? parsed.errors : [];
  const wrongDay = dueDateErrorIn(body, acceptedAt);
  return {
    errors: [
      ...(wrong ? [wrong] : []),
      ...found.flatMap((error) => {
        if (error.path !== 'amount') return [error];
        // Said once, and as staff called it.
        return wrong ? [] : [{ ...error, path: isMinor ? 'amountMinor' : 'amount' }];
      }),
      ...(wrongDay ? [wrongDay] : []),
    ],
  };
}

/** The decimal that so many minor units are, in the currency that is said, or in the invoice's. */
function amountOf(
  amountMinor: unknown,
  { currency = '' }: Record<string, unknown>,
  invoice: { currency: string } | null,
): string {
  const said = typeof currency === 'string' ? currencyCode(trimmed(currency)) : undefined;
  return formatAmount(isMinorUnits(amountMinor) ? amountMinor : 1, said ?? invoice?.currency ?? '');
}

const isMinorUnits = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= AMOUNT_MAX_MINOR;

function minorUnitsError(amountMinor: unknown, { amount }: Record<string, unknown>): FieldError | undefined {
  const wrong = (message: string): FieldError => ({ path: 'amountMinor', code: 'invalid_type', message });
  if (amount !== undefined) return wrong('must not be given beside amount');
  return isMinorUnits(amountMinor)
    ? undefined
    : wrong(`must be a whole number of minor units, 1 to ${AMOUNT_MAX_MINOR}`);
}

/** Of a number that came through Temporal the digits are lost: 19.999999999999999 is 20 here. */
const amountError = ({ amount }: Record<string, unknown>): FieldError | undefined =>
  typeof amount === 'number'
    ? { path: 'amount', code: 'invalid_type', message: 'must be a decimal in quotes, such as "1200.00"' }
    : undefined;
