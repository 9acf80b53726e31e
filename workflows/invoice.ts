/**
 * The story of an invoice.
 *
 * Always true:
 * 1. The workflow holds no truth: it is ended, reset or lost without loss, and the next command starts it again.
 * 2. The main line carries out one command at a time (serial-updates.ts). That is the order of an invoice.
 * 3. The main line cannot be cancelled, and nothing that staff can send makes a workflow task fail.
 * 4. It ends only when nothing is queued and every handler has answered.
 */
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
} from './contract/invoice.ts';
import { ABANDON, type AbandonRequest } from '../commands/abandon.ts';
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
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { type Action, type Step, definitionOf, isFinal, stepNames, stepOf } from '../invoices/lifecycle.ts';
import { type Timer, dueTimer, timerName, timerSummary } from '../invoices/timers.ts';
import { type DurableTimer, createDurableTimer } from './durable-timer.ts';
import { isAnswer } from './failures.ts';
import { invoiceDetails } from './invoice-details.ts';
import { invoiceAttributes } from './invoice-attributes.ts';
import { checkIdentity, identityOf } from './identity.ts';
import { checkInvoiceStart } from './inputs.ts';
import { checkAbandon, checkStepRequest } from './invoice-requests.ts';
import { localFirst, untilItWorks } from './profiles.ts';
import { type Actor, type Asked, createActor } from './serial-updates.ts';

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

/** What a run knows beside its actor. */
interface Run {
  input: InvoiceInput;
  actor: Actor<InvoiceView, StepCommand, StepAnswer>;
  durableTimer: DurableTimer;
  updates: number;
  /** Epoch ms */
  lastCommandAt: number;
  /** Timers that could not be carried out; the next wake-up tries them again. */
  failedTimers: Set<string>;
}

export async function invoice(input: InvoiceInput): Promise<InvoiceEnd> {
  checkInvoiceStart(input);
  const actor = createActor<InvoiceView, StepCommand, StepAnswer>({
    attributes: (before, after) => invoiceAttributes(input, before, after),
    refresh: () => refreshDetails(run),
  });
  const run: Run = {
    input,
    actor,
    durableTimer: createDurableTimer(() => actor.notify()),
    updates: 0,
    lastCommandAt: Date.now(),
    failedTimers: new Set(),
  };
  setHandlers(run);
  return CancellationScope.nonCancellable(() => mainLine(run));
}

function setHandlers(run: Run): void {
  const { actor, failedTimers } = run;
  for (const step of stepNames) {
    setHandler(defineUpdate<StepAnswer, [StepRequest]>(step), (request) => ask(run, step, request), {
      validator: (request) => {
        checkStepRequest(request);
        checkIdentity(step, request, currentUpdateInfo()?.id);
      },
      description: descriptionOf(step),
    });
  }
  setHandler(defineUpdate<string, [AbandonRequest]>(ABANDON), actor.watch.giveUp, {
    validator: checkAbandon,
    description: 'Stops trying a stuck command: {"actor": "you", "reason": "..."}',
  });
  setHandler(
    defineSignal(WAKE),
    () => {
      actor.stale = true;
      failedTimers.clear();
      actor.notify();
    },
    { description: 'Looks at Postgres again: the invoice was changed from outside, or has missed a timer.' },
  );
}

/**
 * One loop with few promises and no condition() on its way: the SDK keeps a stack trace of each promise and enters
 * the sandbox again for each condition, together half of a command's time here.
 */
async function mainLine(run: Run): Promise<InvoiceEnd> {
  const { actor } = run;
  for (;;) {
    // A run that starts in the middle of an invoice's life shows what was there before.
    if (actor.stale && (actor.view !== undefined || actor.queue[0]?.step !== 'create')) {
      actor.stale = false;
      actor.show(await load(run));
    }
    const next = actor.queue.shift();
    const due = next ? undefined : dueTimer(openTimers(run), new Date().toISOString());
    if (next) await actor.carryOut(next, () => answer(run, next));
    else if (due) await carryOutTimer(run, due);
    else {
      const end = endOfRun(run);
      if (end) {
        actor.refresh();
        await condition(allHandlersFinished);
        if (actor.queue.length === 0 && !actor.stale) return end;
      } else if (run.updates >= UPDATES_PER_RUN_MAX || workflowInfo().continueAsNewSuggested) await renew(run);
      else if (!actor.stale) await actor.notified();
    }
  }
}

function ask({ input, actor }: Run, step: Step, request: StepRequest): Promise<StepAnswer> {
  const { body, expectedVersion = null } = request;
  const now = new Date().toISOString();
  const arrival = { invoiceId: input.invoiceId, updateId: currentUpdateInfo()?.id ?? '', now };
  const identity = identityOf(step, request, arrival);
  const command: StepCommand = { ...input, ...identity, actor: request.actor, body, expectedVersion };
  return actor.ask({ step, actor: request.actor, since: now, attemptId: command.attemptId, command });
}

async function answer(run: Run, { step, command }: Asked<StepCommand, StepAnswer>): Promise<StepAnswer> {
  const { actor } = run;
  run.lastCommandAt = Date.now();
  const outcome = await carryOut(run, step as Step, command);
  if (actor.view === undefined) actor.stale = false;
  actor.show(outcome.done ? advanced(actor.view ?? null, outcome) : await load(run));
  return answerOf(step as Step, outcome);
}

/** What time brings, as a command of its own: its key makes it happen once, whoever comes late (TIM-03). */
async function carryOutTimer(run: Run, timer: Timer): Promise<void> {
  const { input, actor, failedTimers } = run;
  const name = timerName(timer);
  const now = new Date().toISOString();
  actor.current = { step: timer.kind, actor: TIME, since: now };
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
    const outcome = await carryOut(run, timer.kind, command);
    if (outcome.done) actor.show(advanced(actor.view ?? null, outcome));
    else actor.stale = true;
  } catch (error) {
    actor.noteStopped(error, timer.kind, command.attemptId);
    // Refused because the invoice has moved on, or a bug: Postgres tells which; never again without a wake-up.
    actor.stale = true;
    failedTimers.add(name);
  }
  actor.current = undefined;
}

const openTimers = ({ actor, failedTimers }: Run): Timer[] =>
  (actor.view?.timers ?? []).filter((timer) => !failedTimers.has(timerName(timer)));

/** Local first: no task round trips. What infrastructure made fail goes to the retried activity of the same name. */
async function carryOut(run: Run, action: Action, command: StepCommand): Promise<StepOutcome> {
  run.updates += 1;
  const { activity } = definitionOf(action);
  try {
    return await local[activity](command as never);
  } catch (error) {
    if (isAnswer(error)) throw error;
    return run.actor.watch.over(() => regular[activity](command as never));
  }
}

/** Only for showing: a load that cannot succeed leaves an empty page, and the run ends when nothing is asked. */
async function load({ input, actor }: Run): Promise<InvoiceView | null> {
  try {
    return await actor.load(
      (recording) => local.loadInvoice({ ...input, ...recording }),
      (recording) => regular.loadInvoice({ ...input, ...recording }),
    );
  } catch {
    return null;
  }
}

/** Why the run ends now that nothing is asked of it, if it does. */
function endOfRun(run: Run): InvoiceEnd | undefined {
  const { actor, durableTimer, lastCommandAt } = run;
  if (!actor.view) return { ended: 'abandoned' };
  const { status } = actor.view.invoice;
  if (isFinal(status)) return { ended: status };
  if (status === 'draft') {
    const idleAt = lastCommandAt + IDLE_DRAFT_MS;
    if (idleAt <= Date.now()) return { ended: 'idle' };
    durableTimer.set(idleAt, 'Looks again: a draft left alone for a day leaves Temporal');
  }
  const [timer] = openTimers(run);
  if (timer) durableTimer.set(Date.parse(timer.at), timerSummary(timer));
  return undefined;
}

/** Never in the task that answers an update: its answer would be lost with the run. */
async function renew({ input, actor }: Run): Promise<void> {
  actor.refresh();
  await sleep(RENEWAL_PAUSE_MS);
  if (actor.queue.length === 0 && allHandlersFinished()) await continueAsNew<typeof invoice>(input);
}

function refreshDetails({ input, actor }: Run): void {
  const { view = null, current, queue, stuck } = actor;
  setCurrentDetails(invoiceDetails({ input, view, current, queued: queue, stuck }));
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
