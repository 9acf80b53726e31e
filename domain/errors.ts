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

export const invalidFields = (errors: FieldError[]): Refusal =>
  refusal('validation_failed', 'The request has fields that are not valid.', { errors });

/** What is wrong with fields, in one line; what is wrong with the whole has no path. */
export const fieldsInWords = (errors: readonly Pick<FieldError, 'path' | 'message'>[]): string =>
  errors.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');

/** A refusal in one line, where its members cannot be told: the detail, and the field errors when there are some. */
export function refusalInWords({ detail, members }: Refusal): string {
  const { errors } = members;
  const fields = Array.isArray(errors) ? errors.filter(isFieldError) : [];
  return fields.length === 0 ? detail : `${detail} ${fieldsInWords(fields)}`;
}

/** A refusal may have come through Temporal. */
const isFieldError = (error: unknown): error is FieldError =>
  typeof error === 'object' && error !== null && 'path' in error && 'message' in error;
