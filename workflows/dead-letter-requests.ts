/** Hand-written checks of everything that can be sent to a dead letter's workflow, as in invoice-requests.ts. */
import { type DeadLetterAction, EDITED_PAYLOAD_MAX } from '../dead-letters/dead-letter.ts';
import { ACTOR_LENGTH, STORABLE, REASON_LENGTH, textFaults } from '../values/text.ts';
import { demand, isObject, isTraceparent, isUuid, line, optional, text } from './invoice-requests.ts';

const isPayload = text(
  `the whole payload as JSON text, at most ${EDITED_PAYLOAD_MAX} characters`,
  (value) => textFaults(value, STORABLE, [1, EDITED_PAYLOAD_MAX]).length === 0,
);

/** `edit` takes a payload, the others take none. */
export const checkDecision = (action: DeadLetterAction, request: unknown): void =>
  demand('the request', withActor(request), {
    actor: line(ACTOR_LENGTH),
    reason: line(REASON_LENGTH),
    ...(action === 'edit' ? { payload: isPayload } : {}),
    decisionId: optional(line(ACTOR_LENGTH)),
    traceparent: optional(isTraceparent),
  });

/** Under its former name, alone, it is the same. */
function withActor(request: unknown): unknown {
  if (!isObject(request) || request['actor'] !== undefined) return request;
  const { operator: actor, ...others } = request;
  return actor === undefined ? request : { ...others, actor };
}

/** A run started by hand with anything else would never find its dead letter: it fails at once and says why. */
export const checkDeadLetterInput = (input: unknown): void => demand('the input', input, { deadLetterId: isUuid });
