/**
 * The story of an invoice.
 *
 * Always true:
 * 1. The workflow holds no truth: it is ended, reset or lost without loss, and the next command starts it again.
 * 2. Handlers note what was asked; the main line carries out one command at a time. That is the order of an invoice.
 * 3. The main line cannot be cancelled, and nothing that staff can send makes a workflow task fail.
 * 4. It ends only when nothing is queued and every handler has answered.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  currentUpdateInfo,
  defineUpdate,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { isRefusalCode } from '../domain/errors.ts';
import { type Step, isFinal, steps } from '../domain/lifecycle.ts';
import {
  ABANDONED,
  type AbandonRequest,
  DETAILS_STEPS,
  INTERNAL_ERROR,
  type InvoiceEnd,
  type InvoiceInput,
  type InvoiceView,
  type StepAnswer,
  type StepCommand,
  type StepOutcome,
  type StepRequest,
} from './contract.ts';
import { type Waiting, invoiceDetails } from './invoice-details.ts';
import { invoiceAttributes } from './invoice-attributes.ts';
import { checkAbandon, checkInput, checkStepRequest } from './invoice-requests.ts';
import { STUCK_AFTER, localFirst, untilItWorks } from './profiles.ts';

const local = proxyLocalActivities<Activities>(localFirst);
const regular = proxyActivities<Activities>(untilItWorks);

/** The activity of each step; its name is what the Web UI shows. */
const activityOf = {
  create: 'createInvoice',
  update: 'updateInvoice',
  finalize: 'finalizeInvoice',
  pay: 'payInvoice',
  cancel: 'cancelInvoice',
} as const satisfies Record<Step, keyof Activities>;

const updateDescriptions: Record<Step, string> = {
  create: 'Drafts the invoice.',
  update: 'Changes a draft: {"actor": "you", "body": {"name": "..."}}',
  finalize: 'Gives a draft its number: {"actor": "you", "body": {}}',
  pay: 'Records a payment: {"actor": "you", "body": {"amountMinor": 120000, "currency": "EUR", "method": "bank transfer", "reference": "...", "receivedAt": null}}',
  cancel: 'Cancels a draft or finalized invoice: {"actor": "you", "body": {"reason": "..."}}',
};

const UPDATES_PER_RUN_MAX = 1_500;
const IDLE_DRAFT_MS = 24 * 60 * 60 * 1000;
const RENEWAL_PAUSE_MS = 10;

interface QueuedCommand extends Waiting {
  command: StepCommand;
  resolve: (answer: StepAnswer) => void;
  reject: (failure: Error) => void;
}

export async function invoice(input: InvoiceInput): Promise<InvoiceEnd> {
  checkInput(input);
  const queue: QueuedCommand[] = [];
  let view: InvoiceView | null | undefined;
  let current: QueuedCommand | undefined;
  let stuck = false;
  let abandon: ((request: AbandonRequest) => void) | undefined;
  let updates = 0;
  let lastCommandAt = Date.now();
  let alarm: 'off' | 'set' | 'rung' = 'off';
  let wake: () => void = () => undefined;

  for (const step of steps) {
    setHandler(defineUpdate<StepAnswer, [StepRequest]>(step), (request) => enqueue(step, request), {
      validator: (request) => checkStepRequest(step, request),
      description: updateDescriptions[step],
    });
  }
  setHandler(defineUpdate<string, [AbandonRequest]>('abandon'), giveUp, {
    validator: checkAbandon,
    description: 'Stops trying a stuck command: {"actor": "you", "reason": "..."}',
  });

  return CancellationScope.nonCancellable(mainLine);

  /**
   * One loop with few promises and no condition() on its way: the SDK keeps a stack trace of each promise and enters
   * the sandbox again for each condition, together half of a command's time here.
   */
  async function mainLine(): Promise<InvoiceEnd> {
    for (;;) {
      const next = queue.shift();
      // A run that starts in the middle of an invoice's life shows what was there before.
      if (view === undefined && next?.step !== 'create') show(await load());
      if (next) {
        await carryOut(next);
        continue;
      }
      const end = endOfRun();
      if (end) {
        await condition(allHandlersFinished);
        if (queue.length === 0) return end;
      } else if (updates >= UPDATES_PER_RUN_MAX || workflowInfo().continueAsNewSuggested) await renew();
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }

  function enqueue(step: Step, { actor, body, expectedVersion, identity }: StepRequest): Promise<StepAnswer> {
    const id = currentUpdateInfo()?.id ?? '';
    const now = new Date().toISOString();
    const own = identity ?? { key: `staff:${id}`, fingerprint: 'staff', attemptId: id, acceptedAt: now };
    const command: StepCommand = { ...input, ...own, actor, body, expectedVersion: expectedVersion ?? null };
    return new Promise((resolve, reject) => {
      queue.push({ step, actor, since: now, command, resolve, reject });
      refreshDetails();
      wake();
    });
  }

  async function carryOut(next: QueuedCommand): Promise<void> {
    current = next;
    updates += 1;
    lastCommandAt = Date.now();
    const activity = activityOf[next.step];
    try {
      const outcome = await local[activity](next.command as never).catch((error: unknown) => {
        if (isAnswer(error)) throw error;
        return watched(() => regular[activity](next.command as never));
      });
      show(outcome.done ? advanced(view ?? null, outcome) : await load());
      next.resolve({ invoice: outcome.invoice, replayed: outcome.done === null });
    } catch (error) {
      // Nobody knows what a command that was given up has done: the next look at Postgres tells.
      if (error instanceof ApplicationFailure && error.type === ABANDONED) view = undefined;
      next.reject(answerable(error));
    }
    current = undefined;
    refreshDetails();
  }

  /** Only for showing: a load that cannot succeed leaves an empty page, and the run ends when nothing is asked. */
  async function load(): Promise<InvoiceView | null> {
    try {
      return await local.loadInvoice(input);
    } catch {
      return watched(() => regular.loadInvoice(input)).catch(() => null);
    }
  }

  /** Runs a retried activity; says so when it takes long, and lets a person end it. */
  async function watched<T>(activity: () => Promise<T>): Promise<T> {
    const scope = new CancellationScope();
    const clock = new CancellationScope();
    let given: AbandonRequest | undefined;
    abandon = (request) => {
      given = request;
      scope.cancel();
    };
    void clock
      .run(() => sleep(STUCK_AFTER))
      .then(
        () => setStuck(true),
        () => undefined,
      );
    try {
      return await scope.run(activity);
    } catch (error) {
      if (!given || !isCancellation(error)) throw error;
      throw ApplicationFailure.nonRetryable(`${given.actor} stopped the attempt: ${given.reason}`, ABANDONED);
    } finally {
      clock.cancel();
      abandon = undefined;
      setStuck(false);
    }
  }

  function giveUp(request: AbandonRequest): string {
    if (!abandon) return 'Nothing is being retried.';
    abandon(request);
    return 'The attempt is being stopped.';
  }

  /** Why the run ends now that nothing is asked of it, if it does. */
  function endOfRun(): InvoiceEnd | undefined {
    if (!view) return { ended: 'abandoned' };
    const { status } = view.invoice;
    if (isFinal(status)) return { ended: status as 'paid' | 'cancelled' };
    if (alarm === 'rung') alarm = 'off';
    if (status !== 'draft') return undefined;
    const leftMs = lastCommandAt + IDLE_DRAFT_MS - Date.now();
    if (leftMs <= 0) return { ended: 'idle' };
    setAlarm(leftMs);
    return undefined;
  }

  /** Never in the task that answers an update: its answer would be lost with the run. */
  async function renew(): Promise<void> {
    await sleep(RENEWAL_PAUSE_MS);
    if (queue.length === 0 && allHandlersFinished()) await continueAsNew<typeof invoice>(input);
  }

  /** One timer at a time; a set one is left to ring, and what it finds then decides: cheaper than cancelling it. */
  function setAlarm(ms: number): void {
    if (alarm !== 'off') return;
    alarm = 'set';
    void sleep(ms).then(() => {
      alarm = 'rung';
      wake();
    });
  }

  function show(next: InvoiceView | null): void {
    const changed = invoiceAttributes(view ?? null, next);
    view = next;
    if (changed.length > 0) upsertSearchAttributes(changed);
    refreshDetails();
  }

  function setStuck(value: boolean): void {
    if (stuck === value) return;
    stuck = value;
    upsertSearchAttributes(invoiceAttributes.stuck(value));
    refreshDetails();
  }

  function refreshDetails(): void {
    setCurrentDetails(invoiceDetails({ view: view ?? null, current, queued: queue, stuck }));
  }
}

function advanced(view: InvoiceView | null, { invoice: after, done }: StepOutcome): InvoiceView {
  if (!done) throw new TypeError('A replayed step does not advance the view.');
  return {
    invoice: after,
    openAmountMinor: done.openAmountMinor,
    entries: [...(view?.entries ?? []), done.entry].slice(-DETAILS_STEPS),
  };
}

/** Refusals and bugs are answers; everything else means that the outcome is not known. */
const failureOf = (error: unknown): ApplicationFailure | undefined =>
  error instanceof ActivityFailure && error.cause instanceof ApplicationFailure ? error.cause : undefined;

function isAnswer(error: unknown): boolean {
  const type = failureOf(error)?.type;
  return isRefusalCode(type) || type === INTERNAL_ERROR;
}

/** What a handler may throw: only an ApplicationFailure fails the update and not the workflow task. */
function answerable(error: unknown): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  const failure = failureOf(error);
  if (failure) return ApplicationFailure.nonRetryable(failure.message, failure.type, ...(failure.details ?? []));
  return ApplicationFailure.nonRetryable('The command ended for an unexpected reason.', INTERNAL_ERROR);
}
