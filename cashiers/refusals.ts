/** Why a command about a cashier is refused: by every step alike, and by each alone. */
import { type CommonCode, type Refusals, refusal, refusalsOf } from '../commands/refusal.ts';
import { cashierSteps } from './lifecycle.ts';

/** Of any step of a cashier that is there, or should be. */
const ofEveryStep = { cashier_not_found: { status: 404, title: 'Cashier not found' } } as const satisfies Refusals;

export const cashierRefusals = { ...ofEveryStep, ...refusalsOf(cashierSteps) };

export type CashierRefusalCode = keyof typeof cashierRefusals | CommonCode;

export const cashierNotFound = (cashierId: string) => refusal('cashier_not_found', `There is no cashier ${cashierId}.`);
