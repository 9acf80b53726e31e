/**
 * Why the rules refuse a command. The codes are a contract with callers: they are never renamed, and each has a row
 * in api/problems.ts.
 */
import type { Status, Step } from '../invoices/lifecycle.ts';

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

/** What a refusal says beside its code and detail (JSON values). A code that is not here says nothing more. */
export interface RefusalMembers {
  validation_failed: { errors: FieldError[] };
  version_conflict: { currentVersion: number };
  transition_not_allowed: { invoiceStatus: Status; allowedActions: Step[] };
}

/** A refused command: nothing was changed. `members` are further members of the problem document. */
export interface Refusal {
  code: RefusalCode;
  detail: string;
  members: Record<string, unknown>;
}

export const isRefusalCode = (code: unknown): code is RefusalCode =>
  (refusalCodes as readonly unknown[]).includes(code);

type More<C> = C extends keyof RefusalMembers ? [members: RefusalMembers[C]] : [];

/** A refusal with exactly the members that its code has. */
export const refusal = <C extends RefusalCode>(code: C, detail: string, ...more: More<C>): Refusal => ({
  code,
  detail,
  members: { ...more[0] },
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
