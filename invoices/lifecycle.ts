/**
 * The registry of what can happen to an invoice. A new step is a file in steps/ and a line here; what depends on it
 * (statuses, allowed actions, updates, activities, routes, problems, events) is derived from this table, most of it by
 * type.
 */
import { ABANDON } from '../commands/abandon.ts';
import type { z } from 'zod';
import type { InvoiceFields } from './members.ts';
import type { Refusals } from '../commands/refusal.ts';
import type { FurtherEvent, InvoiceCommand, StepEvent } from './step.ts';
import { cancel } from './steps/cancel.ts';
import { create } from './steps/create.ts';
import { finalize } from './steps/finalize.ts';
import { overdue } from './steps/overdue.ts';
import { pay } from './steps/pay.ts';
import { remind } from './steps/remind.ts';
import { update } from './steps/update.ts';

export const steps = { create, update, finalize, pay, cancel } as const;

/** What time brings to an invoice. It changes neither status nor version. */
export const timedSteps = { overdue, remind } as const;

type Steps = typeof steps;
export type Step = keyof Steps;
export type TimedStep = keyof typeof timedSteps;
/** Everything that can happen to an invoice. */
export type Action = Step | TimedStep;

/** A status is where a step leads. */
export type Status = Steps[Step]['to'][number];
export const statuses = [...new Set(Object.values(steps).flatMap(({ to }): readonly Status[] => to))];

/** A step may start only from a status that another leads to. */
type Startable = Steps[Step]['from'][number] | (typeof timedSteps)[TimedStep]['from'][number];
true satisfies [Exclude<Startable, Status>] extends [never] ? true : Exclude<Startable, Status>;

/** An invoice as Postgres holds it. */
export interface Invoice extends InvoiceFields {
  status: Status;
}

type BodyOf<D> = D extends { body: () => z.ZodType<infer Body> } ? Body : never;
export type StepBodies = { [S in Step]: BodyOf<Steps[S]> };

/** What a command carries; those of time say which timer it is. */
export type ActionBodies = StepBodies & {
  [S in TimedStep]: Parameters<(typeof timedSteps)[S]['decide']>[1]['body'];
};

/** A command of a step, as it is carried out. */
export type StepCommand<S extends Action = Action> = InvoiceCommand<ActionBodies[S]>;

export const stepNames = Object.keys(steps) as Step[];

/** The activity of an action, as histories and the Web UI know it. */
export type ActivityName = (Steps & typeof timedSteps)[Action]['activity'];

/** What every definition has, whatever it is called. */
interface AnyDefinition {
  from: readonly string[];
  once?: true;
  pastTense: string;
  activity: ActivityName;
  event: StepEvent<never, z.ZodRawShape>;
  furtherEvents?: readonly FurtherEvent<never>[];
}

export interface AnyStep extends AnyDefinition {
  to: readonly [Status, ...Status[]];
  summary: string;
  description?: string;
  examples: Readonly<Record<string, unknown>>;
  http?: { method: 'post' | 'patch'; path: string };
  body: () => z.ZodType;
  refusals: Refusals;
}

/** The definition of a step, for what is the same of all. */
export const stepOf = (step: Step): AnyStep => steps[step];

/** The definition of whatever can happen. */
export const definitionOf = (action: Action): AnyDefinition =>
  isTimedStep(action) ? timedSteps[action] : steps[action];

export const actions = [...stepNames, ...(Object.keys(timedSteps) as TimedStep[])];

/** The steps an invoice of this status can take, in the order of the registry. */
export const allowedActions = (status: Status): Step[] =>
  stepNames.filter((step) => stepOf(step).from.includes(status));

export type FinalStatus = Exclude<Status, Steps[Step]['from'][number]>;

/** A final invoice never changes again. */
export const isFinal = (status: Status): status is FinalStatus => allowedActions(status).length === 0;

/** May time bring this to an invoice of the status? */
export const mayBring = (step: TimedStep, status: Status): boolean =>
  (timedSteps[step].from as readonly Status[]).includes(status);

export const isTimedStep = (action: string): action is TimedStep => Object.hasOwn(timedSteps, action);

export const isStep = (action: string): action is Step => Object.hasOwn(steps, action);

/** Everything that a history tells of. */
export type HistoryAction = Action | typeof ABANDON;

/** What a history says about an action. */
export const pastTenseOf = (action: HistoryAction): string =>
  action === ABANDON ? 'an attempt was stopped' : definitionOf(action).pastTense;
