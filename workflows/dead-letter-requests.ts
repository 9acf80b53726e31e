/** Hand-written checks of everything that can be sent to a dead letter's workflow, as in invoice-requests.ts. */
import { type DeadLetterVerb, EDITED_PAYLOAD_MAX } from '../domain/dead-letter.ts';
import { type Test, demand, isUuid, optional } from './invoice-requests.ts';

const OPERATOR_MAX = 100;
const REASON_MAX = 500;

/** One line that Postgres can keep. */
const line =
  (max: number): Test =>
  (value) =>
    typeof value === 'string' && value.trim().length > 0 && value.length <= max && /^[^\p{Cc}\p{Cs}]*$/u.test(value);

const isPayload: Test = (value) =>
  typeof value === 'string' && value.trim().length > 0 && value.length <= EDITED_PAYLOAD_MAX;

/** `edit` takes a payload, the others take none. */
export const checkDecision = (verb: DeadLetterVerb, request: unknown): void =>
  demand('the request', request, {
    operator: line(OPERATOR_MAX),
    reason: line(REASON_MAX),
    ...(verb === 'edit' ? { payload: isPayload } : {}),
    decisionId: optional(line(OPERATOR_MAX)),
  });

/** A run started by hand with anything else would never find its letter: it fails at once and says why. */
export const checkDeadLetterInput = (input: unknown): void => demand('the input', input, { deadLetterId: isUuid });
