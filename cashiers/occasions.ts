/** When the events of a cashier are published, and what can come after each: computed from the registry of the steps. */
import type { Occasion } from '../messaging/occasion.ts';
import { eventsOf } from './events.ts';
import { type CashierStep, cashierStepNames, cashierStepOf } from './lifecycle.ts';

export const cashierOccasions: readonly Occasion[] = cashierStepNames.flatMap((step) =>
  namesOf(step).map((event) => {
    const { summary, removes } = cashierStepOf(step);
    return {
      event,
      step,
      summary,
      before: step === 'create' ? 'There is no cashier yet.' : 'The cashier is there.',
      after: removes ? 'The cashier is gone.' : 'The cashier is there.',
      next: removes ? [] : cashierStepNames.filter((other) => other !== 'create').flatMap(namesOf),
    };
  }),
);

function namesOf(step: CashierStep): string[] {
  return eventsOf(step).map(({ definition: { name } }) => name);
}
