/** A hand-written check of what can be sent to a replay's workflow, as in invoice-requests.ts. */
import { ACTOR_LENGTH, REASON_LENGTH } from '../values/text.ts';
import { demand, isTraceparent, line, optional } from './invoice-requests.ts';

export const checkReplayDecision = (request: unknown): void =>
  demand('the request', request, {
    actor: line(ACTOR_LENGTH),
    reason: line(REASON_LENGTH),
    decisionId: optional(line(ACTOR_LENGTH)),
    traceparent: optional(isTraceparent),
  });
