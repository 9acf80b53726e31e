/** Errors as callers see them: RFC 9457 problems. One table from code to status; no stack and no internal text. */
import type { Refusal, RefusalCode } from '../domain/errors.ts';

/** Codes that the edge itself gives, beside the refusals of the rules. */
type EdgeCode =
  | 'malformed_request'
  | 'invalid_tenant'
  | 'invalid_header'
  | 'unsupported_media_type'
  | 'payload_too_large'
  | 'route_not_found'
  | 'method_not_allowed'
  | 'attempt_stopped'
  | 'operation_not_found'
  | 'billing_run_not_found'
  | 'dead_letter_not_found'
  | 'dead_letter_batch_not_found'
  | 'dead_letter_resolved'
  | 'decision_refused'
  | 'payload_refused'
  | 'temporarily_unavailable'
  | 'internal_error';

export type ProblemCode = RefusalCode | EdgeCode;

/** What every read, and every command, can be answered with. */
export const everyRead: readonly ProblemCode[] = [
  'invalid_tenant',
  'invalid_header',
  'internal_error',
  'temporarily_unavailable',
];
export const everyCommand: readonly ProblemCode[] = [
  'malformed_request',
  'invalid_tenant',
  'invalid_header',
  'unsupported_media_type',
  'payload_too_large',
  'validation_failed',
  'idempotency_key_reused',
  'internal_error',
  'temporarily_unavailable',
];

export const problemTable: Record<ProblemCode, { status: number; title: string }> = {
  malformed_request: { status: 400, title: 'The request cannot be read' },
  invalid_tenant: { status: 400, title: 'The tenant is not a UUID' },
  invalid_header: { status: 400, title: 'A header is not valid' },
  route_not_found: { status: 404, title: 'There is nothing at this path' },
  invoice_not_found: { status: 404, title: 'Invoice not found' },
  cashier_not_found: { status: 404, title: 'Cashier not found' },
  billing_run_not_found: { status: 404, title: 'Billing run not found' },
  dead_letter_not_found: { status: 404, title: 'Dead letter not found' },
  dead_letter_batch_not_found: { status: 404, title: 'Batch of dead letters not found' },
  operation_not_found: { status: 404, title: 'Operation not found' },
  method_not_allowed: { status: 405, title: 'The method is not allowed here' },
  transition_not_allowed: { status: 409, title: 'The invoice’s status does not allow this step' },
  payment_reference_used: { status: 409, title: 'The payment reference belongs to another payment' },
  email_taken: { status: 409, title: 'The e-mail address belongs to another cashier' },
  cashier_in_use: { status: 409, title: 'The cashier has invoices' },
  attempt_stopped: { status: 409, title: 'A person has stopped the attempt' },
  dead_letter_resolved: { status: 409, title: 'The dead letter has been decided' },
  decision_refused: { status: 409, title: 'The decision does not fit the dead letter' },
  version_conflict: { status: 412, title: 'It is at another version' },
  payload_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body must be application/json' },
  validation_failed: { status: 422, title: 'Fields are not valid' },
  idempotency_key_reused: { status: 422, title: 'The Idempotency-Key belongs to another request' },
  currency_mismatch: { status: 422, title: 'The payment has another currency' },
  payment_below_amount: { status: 422, title: 'The payment is too small' },
  payment_above_amount: { status: 422, title: 'The payment is too large' },
  payload_refused: { status: 422, title: 'The payload does not fit the event' },
  unknown_cashier: { status: 422, title: 'The cashier does not exist' },
  currency_not_accepted: { status: 422, title: 'The cashier does not accept the currency' },
  internal_error: { status: 500, title: 'Something went wrong on our side' },
  temporarily_unavailable: { status: 503, title: 'Not available at the moment' },
};

/** Thrown by handlers; api/app.ts turns it into the answer. `members` are further members of the document. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly members: Record<string, unknown>;
  readonly headers: Record<string, string>;
  constructor(
    code: ProblemCode,
    detail: string,
    members: Record<string, unknown> = {},
    headers: Record<string, string> = {},
  ) {
    super(detail);
    this.code = code;
    this.members = members;
    this.headers = headers;
  }
}

export const problemOf = ({ code, detail, members }: Refusal): Problem => new Problem(code, detail, members);

const RETRY_AFTER_SECONDS = '1';

export const unavailable = (detail: string): Problem =>
  new Problem('temporarily_unavailable', detail, {}, { 'Retry-After': RETRY_AFTER_SECONDS });

/** A person did not want the attempt to go on: the caller decides whether it is still wanted. */
export const commandStopped = (detail: string): Problem =>
  new Problem(
    'attempt_stopped',
    `${detail} Read the invoice, and send the command again with its key if it is still wanted.`,
  );

/** The document of a problem; `instance` is the path that was asked for. */
export function problemDocument({ code, message, members }: Problem, instance: string): Record<string, unknown> {
  const { status, title } = problemTable[code];
  return { type: `/problems/${code}`, title, status, detail: message, instance, code, ...members };
}
