/**
 * The registry of what can happen to a cashier. A new step is a file in steps/ and a line here; its route, its command,
 * its problems and its event are derived from this table.
 *
 * The currencies are a sub-resource: changing them moves neither the version nor `updatedAt`, because the cashier that
 * callers and subscribers see does not carry them. They are audited all the same.
 */
import type { CashierStepDefinition } from './step.ts';
import { acceptCurrency } from './steps/accept-currency.ts';
import { create } from './steps/create.ts';
import { remove } from './steps/delete.ts';
import { dropCurrency } from './steps/drop-currency.ts';
import { update } from './steps/update.ts';

export const cashierSteps = { create, update, delete: remove, acceptCurrency, dropCurrency } as const;

type Steps = typeof cashierSteps;
export type CashierStep = keyof Steps;
export const cashierStepNames = Object.keys(cashierSteps) as CashierStep[];

export type CashierBodies = { [S in CashierStep]: ReturnType<Steps[S]['body']> };

/** The definition of a step, for what is the same of all. */
export type AnyCashierStep = Omit<CashierStepDefinition, 'decide'>;
export const cashierStepOf = (step: CashierStep): AnyCashierStep => cashierSteps[step] as unknown as AnyCashierStep;
