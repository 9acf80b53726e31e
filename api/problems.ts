/**
 * Errors as callers see them: RFC 9457 problems. One table gives each code its status and the members that its
 * document has beside the common ones; no stack and no internal text.
 */
import { pascalCase } from 'change-case';
import { z } from 'zod';
import { resolutions } from '../dead-letters/dead-letter.ts';
import { type Refusal, type RefusalRow, type Refusals, commonRefusals } from '../commands/refusal.ts';
import { cashierRefusals } from '../cashiers/refusals.ts';
import { eventVersionRefusals } from '../event-versions/refusals.ts';
import { replayRefusals } from '../event-replays/refusals.ts';
import { invoiceRefusals } from '../invoices/refusals.ts';

/** Codes that the edge itself gives, beside the refusals of the slices. */
const edge = {
  malformed_request: { status: 400, title: 'The request cannot be read' },
  invalid_tenant: { status: 400, title: 'The tenant is not a UUID' },
  tenant_required: { status: 400, title: 'The request names no tenant' },
  invalid_header: { status: 400, title: 'A header is not valid' },
  unauthenticated: { status: 401, title: 'The request has no access token' },
  invalid_token: { status: 401, title: 'The access token does not count' },
  insufficient_scope: {
    status: 403,
    title: 'The caller may not do this',
    members: () => ({ scope: z.string().meta({ example: 'invoices:pay' }) }),
  },
  tenant_not_allowed: { status: 403, title: 'The caller may not act for this tenant' },
  route_not_found: { status: 404, title: 'There is nothing at this path' },
  billing_run_not_found: { status: 404, title: 'Billing run not found' },
  api_key_not_found: { status: 404, title: 'API key not found' },
  dead_letter_not_found: { status: 404, title: 'Dead letter not found' },
  dead_letter_batch_not_found: { status: 404, title: 'Batch of dead letters not found' },
  event_version_not_found: { status: 404, title: 'There are no versions of the topic' },
  event_replay_not_found: { status: 404, title: 'Replay of events not found' },
  operation_not_found: { status: 404, title: 'Operation not found' },
  method_not_allowed: { status: 405, title: 'The method is not allowed here' },
  operation_gone: {
    status: 410,
    title: 'The operation has reached its end',
    members: () => ({ successor: z.string().optional().meta({ example: '/v2/invoices' }) }),
  },
  api_key_revoked: { status: 409, title: 'The API key was revoked' },
  replay_decision_refused: { status: 409, title: 'The decision does not fit the replay of events' },
  cursor_outdated: { status: 409, title: 'The database was restored since the cursor was given' },
  attempt_stopped: { status: 409, title: 'A person has stopped the attempt' },
  dead_letter_resolved: {
    status: 409,
    title: 'The dead letter has been decided',
    members: () => ({
      resolution: z.enum(resolutions).meta({ example: 'discarded' }),
      resolvedBy: z.string().meta({ example: 'eve' }),
    }),
  },
  decision_refused: { status: 409, title: 'The decision does not fit the dead letter' },
  payload_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body must be application/json in UTF-8' },
  payload_refused: { status: 422, title: 'The payload does not fit the event' },
  rate_limited: { status: 429, title: 'Too many requests' },
  too_many_commands: { status: 429, title: 'Too many commands at once' },
  internal_error: { status: 500, title: 'Something went wrong on our side' },
  temporarily_unavailable: { status: 503, title: 'Not available at the moment' },
} as const satisfies Refusals;

export const problemTable = {
  ...edge,
  ...commonRefusals,
  ...invoiceRefusals,
  ...cashierRefusals,
  ...eventVersionRefusals,
  ...replayRefusals,
};
export type ProblemCode = keyof typeof problemTable;
export const problemCodes = Object.keys(problemTable) as ProblemCode[];

/** What every route can be answered with. */
export const everyRoute: readonly ProblemCode[] = ['invalid_header', 'internal_error'];
/** And every one below /v1, where a body that nobody has asked for is looked at too. */
export const everyRead: readonly ProblemCode[] = [
  ...everyRoute,
  'malformed_request',
  'invalid_tenant',
  'tenant_required',
  'unauthenticated',
  'invalid_token',
  'insufficient_scope',
  'tenant_not_allowed',
  'rate_limited',
  'payload_too_large',
  'unsupported_media_type',
  'temporarily_unavailable',
];
export const everyCommand: readonly ProblemCode[] = [
  ...everyRead,
  'validation_failed',
  'idempotency_key_reused',
  'too_many_commands',
];

type Table = typeof problemTable;
type Headers = Record<string, string>;
type More<C extends ProblemCode> = Table[C] extends { members: () => infer S extends z.ZodRawShape }
  ? [members: z.infer<z.ZodObject<S>>, headers?: Headers]
  : [members?: Record<string, never>, headers?: Headers];

/** Thrown by handlers; api/app.ts turns it into the answer. `members` are those that the table gives the code. */
export class Problem<C extends ProblemCode = ProblemCode> extends Error {
  readonly code: C;
  readonly members: Record<string, unknown>;
  readonly headers: Headers;
  constructor(code: C, detail: string, ...[members = {}, headers = {}]: More<C>) {
    super(detail);
    this.code = code;
    this.members = members;
    this.headers = headers;
  }
}

/** A refusal was made with the members of its code, which stands in the table of who made it. */
export const problemOf = ({ code, detail, members }: Refusal): Problem =>
  new Problem(code as ProblemCode, detail, members as never);

const RETRY_AFTER_SECONDS = '1';

/** `cause` is for the log: what made the last try fail. */
export const unavailable = (detail: string, cause?: unknown): Problem =>
  Object.assign(new Problem('temporarily_unavailable', detail, {}, { 'Retry-After': RETRY_AFTER_SECONDS }), { cause });

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

const common = { type: z.string(), title: z.string(), detail: z.string(), instance: z.string() };

/** The document of any problem, for those who read one without knowing its code. */
export const anyProblemSchema = z
  .looseObject({ ...common, status: z.int(), code: z.string().meta({ description: 'Stable; decide by this' }) })
  .meta({ id: 'Problem', description: 'RFC 9457; further members depend on the code' });

/** The document of a problem with this code. */
export const problemSchemas = Object.fromEntries(problemCodes.map((code) => [code, schemaOf(code)])) as Record<
  ProblemCode,
  ReturnType<typeof schemaOf>
>;

function schemaOf(code: ProblemCode) {
  const { status, title } = problemTable[code];
  return z
    .strictObject({ ...common, status: z.literal(status), code: z.literal(code), ...membersOf(code) })
    .meta({ id: `${pascalCase(code)}Problem`, description: title });
}

/** The members that the documents of this code have beside the common ones. */
export function membersOf(code: ProblemCode): z.ZodRawShape {
  const { members }: RefusalRow = problemTable[code];
  return members?.() ?? {};
}
