/**
 * The story of an invoice.
 *
 * Always true:
 * 1. The workflow holds no truth: it is ended, reset or lost without loss, and the next command starts it again.
 * 2. Handlers note what was asked; the main line carries out one command at a time. That is the order of an invoice.
 * 3. The main line cannot be cancelled, and nothing that staff can send makes a workflow task fail.
 * 4. It ends only when nothing is queued and every handler has answered.
 */
import type { AbandonRequest, Intervention } from '../commands/abandon.ts';
import type { StepCommand } from '../invoices/lifecycle.ts';
import {
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  currentUpdateInfo,
  defineSignal,
  defineUpdate,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { type Action, type Step, definitionOf, isFinal, stepNames, stepOf } from '../invoices/lifecycle.ts';
import { type Timer, dueTimer, timerName, timerSummary } from '../invoices/timers.ts';
import { createAlarm } from './alarm.ts';
import {
  DETAILS_STEPS,
  type InvoiceEnd,
  type InvoiceInput,
  type InvoiceView,
  type StepAnswer,
  type StepOutcome,
  type StepRequest,
  TIME,
  WAKE,
} from './contract.ts';
import { answerable, isAnswer } from './failures.ts';
import { type Waiting, invoiceDetails } from './invoice-details.ts';
import { invoiceAttributes } from './invoice-attributes.ts';
import { checkIdentity, identityOf } from './identity.ts';
import { checkInvoiceStart } from './inputs.ts';
import { checkAbandon, checkStepRequest } from './invoice-requests.ts';
import { localFirst, untilItWorks } from './profiles.ts';
import { createWatch, interventionIn } from './watch.ts';

const local = proxyLocalActivities<Activities>(localFirst);
const regular = proxyActivities<Activities>(untilItWorks);

/** What the Web UI says of an update: what it is for, and what to send. */
function descriptionOf(step: Step): string {
  if (step === 'create') return 'Sent by the service alone. Staff draft an invoice over REST.';
  const { summary, examples } = stepOf(step);
  const [body = {}] = Object.values(examples);
  return `${summary}: ${JSON.stringify({ actor: 'you', body })}`;
}

const UPDATES_PER_RUN_MAX = 1_500;
const IDLE_DRAFT_MS = 24 * 60 * 60 * 1000;
const RENEWAL_PAUSE_MS = 10;

interface QueuedCommand extends Waiting {
  step: Step;
  command: StepCommand;
  resolve: (answer: StepAnswer) => void;
  reject: (failure: Error) => void;
}

export async function invoice(input: InvoiceInput): Promise<InvoiceEnd> {
  checkInvoiceStart(input);
  const queue: QueuedCommand[] = [];
  let view: InvoiceView | null | undefined;
  /** What people have stopped and no load has recorded yet. */
  let interventions: Intervention[] = [];
  /** Postgres knows more than the view: at the beginning, after a change from outside, after a command was given up. */
  let stale = true;
  let current: Waiting | undefined;
  let stuck = false;
  let updates = 0;
  let lastCommandAt = Date.now();
  let wake: () => void = () => undefined;
  const alarm = createAlarm(() => wake());
  const watch = createWatch(setStuck);
  /** Timers that could not be carried out; the next wake-up tries them again. */
  const failedTimers = new Set<string>();

  for (const step of stepNames) {
    setHandler(defineUpdate<StepAnswer, [StepRequest]>(step), (request) => enqueue(step, request), {
      validator: (request) => {
        checkStepRequest(request);
        checkIdentity(step, request, currentUpdateInfo()?.id);
      },
      description: descriptionOf(step),
    });
  }
  setHandler(defineUpdate<string, [AbandonRequest]>('abandon'), watch.giveUp, {
    validator: checkAbandon,
    description: 'Stops trying a stuck command: {"actor": "you", "reason": "..."}',
  });

  setHandler(
    defineSignal(WAKE),
    () => {
      stale = true;
      failedTimers.clear();
      wake();
    },
    { description: 'Looks at Postgres again: the invoice was changed from outside, or has missed a timer.' },
  );

  return CancellationScope.nonCancellable(mainLine);

  /**
   * One loop with few promises and no condition() on its way: the SDK keeps a stack trace of each promise and enters
   * the sandbox again for each condition, together half of a command's time here.
   */
  async function mainLine(): Promise<InvoiceEnd> {
    for (;;) {
      // A run that starts in the middle of an invoice's life shows what was there before.
      if (stale && (view !== undefined || queue[0]?.step !== 'create')) {
        stale = false;
        show(await load());
      }
      const next = queue.shift();
      const due = next ? undefined : dueTimer(openTimers(), new Date().toISOString());
      if (next) await carryOut(next);
      else if (due) await tell(due);
      else {
        const end = endOfRun();
        if (end) {
          await condition(allHandlersFinished);
          if (queue.length === 0 && !stale) return end;
        } else if (updates >= UPDATES_PER_RUN_MAX || workflowInfo().continueAsNewSuggested) await renew();
        else if (!stale) await new Promise<void>((resolve) => (wake = resolve));
      }
    }
  }

  function enqueue(step: Step, request: StepRequest): Promise<StepAnswer> {
    const { actor, body, expectedVersion } = request;
    const now = new Date().toISOString();
    const arrival = { invoiceId: input.invoiceId, updateId: currentUpdateInfo()?.id ?? '', now };
    const identity = identityOf(step, request, arrival);
    const command: StepCommand = { ...input, ...identity, actor, body, expectedVersion: expectedVersion ?? null };
    return new Promise((resolve, reject) => {
      queue.push({ step, actor, since: now, command, resolve, reject });
      refreshDetails();
      wake();
    });
  }

  async function carryOut(next: QueuedCommand): Promise<void> {
    current = next;
    lastCommandAt = Date.now();
    try {
      const outcome = await run(next.step, next.command);
      if (view === undefined) stale = false;
      show(outcome.done ? advanced(view ?? null, outcome) : await load());
      next.resolve(answerOf(next.step, outcome));
    } catch (error) {
      noteIntervention(error, next.step, next.command.attemptId);
      next.reject(answerable(error));
    }
    current = undefined;
    refreshDetails();
  }

  /** What time brings, as a command of its own: its key makes it happen once, whoever comes late (TIM-03). */
  async function tell(timer: Timer): Promise<void> {
    const name = timerName(timer);
    const now = new Date().toISOString();
    current = { step: timer.kind, actor: TIME, since: now };
    const command: StepCommand = {
      ...input,
      key: `timer:${input.invoiceId}:${name}`,
      fingerprint: 'timer',
      attemptId: uuid4(),
      acceptedAt: now,
      actor: TIME,
      expectedVersion: null,
      body: timer.kind === 'remind' ? { number: timer.number } : {},
    };
    try {
      const outcome = await run(timer.kind, command);
      if (outcome.done) show(advanced(view ?? null, outcome));
      else stale = true;
    } catch (error) {
      noteIntervention(error, timer.kind, command.attemptId);
      // Refused because the invoice has moved on, or a bug: Postgres tells which; never again without a wake-up.
      stale = true;
      failedTimers.add(name);
    }
    current = undefined;
    refreshDetails();
  }

  function openTimers(): Timer[] {
    return (view?.timers ?? []).filter((timer) => !failedTimers.has(timerName(timer)));
  }

  /** Local first: no task round trips. What infrastructure made fail goes to the retried activity of the same name. */
  async function run(action: Action, command: StepCommand): Promise<StepOutcome> {
    updates += 1;
    const { activity } = definitionOf(action);
    try {
      return await local[activity](command as never);
    } catch (error) {
      if (isAnswer(error)) throw error;
      return watch.over(() => regular[activity](command as never));
    }
  }

  /** Nobody knows what a command that was given up has done: the next look at Postgres tells, and records who gave it up. */
  function noteIntervention(error: unknown, step: Action, attemptId: string): void {
    const intervention = interventionIn(error, step, attemptId);
    if (!intervention) return;
    interventions.push(intervention);
    stale = true;
  }

  /** Only for showing: a load that cannot succeed leaves an empty page, and the run ends when nothing is asked. */
  async function load(): Promise<InvoiceView | null> {
    const isRecording = interventions.length > 0;
    const wanted = isRecording ? { ...input, interventions } : input;
    try {
      const loaded = await local.loadInvoice(wanted).catch(() => {
        const again = () => regular.loadInvoice(wanted);
        return isRecording ? watch.overRecording(again) : watch.over(again);
      });
      interventions = [];
      return loaded;
    } catch {
      return null;
    }
  }

  /** Why the run ends now that nothing is asked of it, if it does. */
  function endOfRun(): InvoiceEnd | undefined {
    if (!view) return { ended: 'abandoned' };
    const { status } = view.invoice;
    if (isFinal(status)) return { ended: status };
    if (status === 'draft') {
      const idleAt = lastCommandAt + IDLE_DRAFT_MS;
      if (idleAt <= Date.now()) return { ended: 'idle' };
      alarm.set(idleAt, 'Looks again: a draft left alone for a day leaves Temporal');
    }
    const [timer] = openTimers();
    if (timer) alarm.set(Date.parse(timer.at), timerSummary(timer));
    return undefined;
  }

  /** Never in the task that answers an update: its answer would be lost with the run. */
  async function renew(): Promise<void> {
    await sleep(RENEWAL_PAUSE_MS);
    if (queue.length === 0 && allHandlersFinished()) await continueAsNew<typeof invoice>(input);
  }

  function show(next: InvoiceView | null): void {
    const changed = invoiceAttributes(input, view ?? null, next);
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
    setCurrentDetails(invoiceDetails({ input, view: view ?? null, current, queued: queue, stuck }));
  }
}

function answerOf(step: Step, { invoice: after, done }: StepOutcome): StepAnswer {
  const { id, number, status, version } = after;
  const which = `invoice ${number === null ? id : `${number} (${id})`}`;
  const summary = done
    ? `${step}: ${which} is ${status} now, in version ${version}.`
    : `${step} of ${which} had been carried out before; nothing was changed now. This is the answer of then: ${status}, in version ${version}.`;
  return { summary, invoice: after, replayed: done === null };
}

function advanced(view: InvoiceView | null, { invoice: after, done }: StepOutcome): InvoiceView {
  if (!done) throw new TypeError('A replayed step does not advance the view.');
  return {
    invoice: after,
    openAmountMinor: done.openAmountMinor,
    entries: [...(view?.entries ?? []), done.entry].slice(-DETAILS_STEPS),
    timers: done.timers,
  };
}
