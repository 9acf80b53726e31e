/**
 * Why the rules refuse a command. The codes are a contract with callers: they are never renamed, and each has a row
 * in api/problems.ts.
 */

export const refusalCodes = [
  'validation_failed',
  'idempotency_key_reused',
  'invoice_not_found',
  'payment_reference_used',
  'version_conflict',
  'transition_not_allowed',
  'currency_mismatch',
  'payment_below_amount',
  'payment_above_amount',
  'unknown_cashier',
  'currency_not_accepted',
  'cashier_not_found',
  'email_taken',
  'cashier_in_use',
] as const;

export type RefusalCode = (typeof refusalCodes)[number];

/** One thing that is wrong with one field of the input. `path` is dotted, `code` is stable, `message` is for people. */
export interface FieldError {
  path: string;
  code: string;
  message: string;
}

/** A refused command: nothing was changed. `members` are further members of the problem document (JSON values). */
export interface Refusal {
  code: RefusalCode;
  detail: string;
  members: Record<string, unknown>;
}

export const isRefusalCode = (code: unknown): code is RefusalCode =>
  (refusalCodes as readonly unknown[]).includes(code);

export const refusal = (code: RefusalCode, detail: string, members: Record<string, unknown> = {}): Refusal => ({
  code,
  detail,
  members,
});

/** A refusal as one line: its detail, and what is wrong with which field. */
export function refusalInWords({ detail, members }: Refusal): string {
  const errors = (members['errors'] as FieldError[] | undefined) ?? [];
  return [detail, errors.map(({ path, message }) => `${path}: ${message}`).join('; ')].filter(Boolean).join(' ');
}

export const invalidFields = (errors: FieldError[]): Refusal =>
  refusal('validation_failed', 'The request has fields that are not valid.', { errors });
