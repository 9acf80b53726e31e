/** When the events of an invoice are published, and what can come after each: computed from the lifecycle. */
import { type Occasion, either } from '../messaging/occasion.ts';
import { eventsOf } from './events.ts';
import { type Action, actions, definitionOf, isTimedStep, stepOf } from './lifecycle.ts';

export const invoiceOccasions: readonly Occasion[] = actions.flatMap((action) => {
  const circumstances = circumstancesOf(action);
  return publicEventsOf(action).map((event) => Object.assign({ event }, circumstances));
});

function circumstancesOf(action: Action): Omit<Occasion, 'event'> {
  const next = eventsAfter(action);
  const { from } = definitionOf(action);
  const before = from.length === 0 ? 'There is no invoice yet.' : `Its status is ${either(from)}.`;
  if (isTimedStep(action)) return { step: `${action}, by time`, before, after: 'Its status and version stay.', next };
  const { summary, to } = stepOf(action);
  return { step: action, summary, before, after: `Its status is ${either(to)}.`, next };
}

function publicEventsOf(action: Action): string[] {
  return eventsOf(action).flatMap(({ definition: { name, scope } }) => (scope === 'public' ? [name] : []));
}

/** Those of the actions that may start from where this one leads. */
function eventsAfter(action: Action): string[] {
  const reached: readonly string[] = isTimedStep(action) ? definitionOf(action).from : stepOf(action).to;
  const next = actions.filter((other) => {
    const { from, once } = definitionOf(other);
    return from.some((status) => reached.includes(status)) && !(once && other === action);
  });
  return next.flatMap(publicEventsOf);
}
