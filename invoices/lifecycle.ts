/**
 * The life of an invoice as data. Everything that depends on it (allowed actions, update names, activity names,
 * events) is derived from this table by type: add a step here and the compiler names every place that misses it.
 */

export const statuses = ['draft', 'finalized', 'paid', 'cancelled'] as const;
export type Status = (typeof statuses)[number];

interface Transition {
  /** Statuses the step may start from; none for the step that makes the invoice. */
  readonly from: readonly Status[];
  readonly to: Status;
  /** What a history says about the step. */
  readonly pastTense: string;
}

export const lifecycle = {
  create: { from: [], to: 'draft', pastTense: 'created' },
  update: { from: ['draft'], to: 'draft', pastTense: 'updated' },
  finalize: { from: ['draft'], to: 'finalized', pastTense: 'finalized' },
  pay: { from: ['finalized'], to: 'paid', pastTense: 'paid' },
  cancel: { from: ['draft', 'finalized'], to: 'cancelled', pastTense: 'cancelled' },
} as const satisfies Record<string, Transition>;

export type Step = keyof typeof lifecycle;
export const steps = Object.keys(lifecycle) as Step[];

/** The steps an invoice of this status can take, in the order of the table. */
export const allowedActions = (status: Status): Step[] =>
  steps.filter((step) => (lifecycle[step] as Transition).from.includes(status));

/** A final invoice never changes again. */
export const isFinal = (status: Status): boolean => allowedActions(status).length === 0;

/** What time brings to a finalized invoice. It changes neither status nor version, so it is no row of the table. */
export const timedSteps = {
  overdue: { pastTense: 'became overdue' },
  remind: { pastTense: 'reminded of the payment' },
} as const;

export type TimedStep = keyof typeof timedSteps;
/** Everything that can happen to an invoice. */
export type Action = Step | TimedStep;

export const isTimedStep = (action: HistoryAction): action is TimedStep => Object.hasOwn(timedSteps, action);

/** A person stopped an attempt. It stands in a history, and changes nothing: not even the version. */
export const ABANDON = 'abandon';

/** Everything that a history tells of. */
export type HistoryAction = Action | typeof ABANDON;

/** What a history says about an action. */
export function pastTenseOf(action: HistoryAction): string {
  if (action === ABANDON) return 'an attempt was stopped';
  return isTimedStep(action) ? timedSteps[action].pastTense : lifecycle[action].pastTense;
}
