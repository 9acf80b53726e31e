/** Hand-written checks of what can be sent to the workflow of an event version, as in invoice-requests.ts. */
import type { DecisionName } from '../event-versions/stage.ts';
import { ACTOR_LENGTH, REASON_LENGTH } from '../values/text.ts';
import { type Test, demand, isExistingDate, line, optional, text } from './invoice-requests.ts';

const isFlag: Test = { must: 'true or false', passes: (value) => typeof value === 'boolean' };
const isTopic = text('the name of a topic', (value) => /^[a-z0-9.-]{1,249}$/.test(value));

export const checkEventVersionRequest = (action: DecisionName, request: unknown): void =>
  demand('the request', request, {
    actor: line(ACTOR_LENGTH),
    reason: line(REASON_LENGTH),
    ...(action === 'deprecate' ? { sunset: isExistingDate } : {}),
    ...(action === 'close' ? { force: optional(isFlag) } : {}),
  });

export const checkEventVersionInput = (input: unknown): void => demand('the input', input, { topic: isTopic });
