/**
 * The story of a dead letter: a message that could not be handled, or an event that the broker refuses for good, waits
 * for a person.
 *
 * Always true:
 * 1. The row in Postgres is the truth; the workflow shows it, and carries one decision out at a time.
 * 2. It ends when the row is resolved, or was never there; nothing else ends it, and nothing that staff can send makes
 *    a workflow task fail.
 * 3. A replay that is refused again leaves it open, with the new reason.
 * 4. One that nobody has decided for a day is pointed out, once.
 */
import {
  DEAD_LETTER_RESOLVED,
  type DeadLetterEnd,
  type DeadLetterInput,
  type DeadLetterView,
  type DecisionAnswer,
  type DecisionRequest,
  type EditCommand,
} from './contract/dead-letter.ts';
import { ABANDON, type AbandonRequest } from '../commands/abandon.ts';
import {
  CancellationScope,
  allHandlersFinished,
  condition,
  currentUpdateInfo,
  defineUpdate,
  patched,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import {
  type DeadLetterAction,
  ESCALATE_AFTER_MS,
  actionNames,
  deadLetterActions,
} from '../dead-letters/dead-letter.ts';
import { type DurableTimer, createDurableTimer } from './durable-timer.ts';
import { flag } from './attributes.ts';
import { deadLetterAttributes } from './dead-letter-attributes.ts';
import { deadLetterDetails } from './dead-letter-details.ts';
import { checkDecision } from './dead-letter-requests.ts';
import { answerable } from './failures.ts';
import { checkDeadLetterStart } from './inputs.ts';
import { checkAbandon } from './invoice-requests.ts';
import { ESCALATES, ESCALATES_ASKED_FIRST } from './patches.ts';
import { localFirst, replaying, untilItWorks } from './profiles.ts';
import { type Actor, type Asked, createActor } from './serial-updates.ts';

const local = proxyLocalActivities<Activities>(localFirst);
const { loadDeadLetter, escalateDeadLetter, editMessage, discardMessage, withholdEvent } =
  proxyActivities<Activities>(untilItWorks);
const { replayMessage } = proxyActivities<Activities>(replaying);

const activityOf: Record<DeadLetterAction, (command: EditCommand) => Promise<DeadLetterView>> = {
  replay: replayMessage,
  edit: editMessage,
  discard: discardMessage,
  withhold: withholdEvent,
};

/** What the Web UI says of an update: what it is for, and what to send. */
function descriptionOf(action: DeadLetterAction): string {
  const { summary, example } = deadLetterActions[action];
  return `${summary}: ${JSON.stringify({ actor: 'you', ...example })}`;
}

/** What a run knows beside its actor. */
interface Run {
  input: DeadLetterInput;
  actor: Actor<DeadLetterView, EditCommand, DecisionAnswer>;
  durableTimer: DurableTimer;
  escalated: boolean;
  /** The timer has fired: nobody has decided for a day. */
  fired: boolean;
  /** It asked for its patch before it called an activity. */
  askedFirst: boolean;
}

export async function deadLetter(input: DeadLetterInput): Promise<DeadLetterEnd> {
  checkDeadLetterStart(input);
  const actor = createActor<DeadLetterView, EditCommand, DecisionAnswer>({
    attributes: deadLetterAttributes,
    refresh: () => refreshDetails(run),
  });
  const durableTimer = createDurableTimer(() => {
    run.fired = true;
    actor.stale = true;
    actor.notify();
  });
  const askedFirst = patched(ESCALATES_ASKED_FIRST);
  const run: Run = { input, actor, durableTimer, escalated: false, fired: false, askedFirst };
  setHandlers(run);
  return CancellationScope.nonCancellable(() => mainLine(run));
}

function setHandlers(run: Run): void {
  for (const action of actionNames) {
    setHandler(defineUpdate<DecisionAnswer, [DecisionRequest]>(action), (request) => ask(run, action, request), {
      validator: (request) => checkDecision(action, request),
      description: descriptionOf(action),
    });
  }
  setHandler(defineUpdate<string, [AbandonRequest]>(ABANDON), run.actor.watch.giveUp, {
    validator: checkAbandon,
    description: 'Stops trying a stuck decision: {"actor": "you", "reason": "..."}',
  });
}

async function mainLine(run: Run): Promise<DeadLetterEnd> {
  const { actor } = run;
  for (;;) {
    if (actor.stale) {
      actor.stale = false;
      show(run, await load(run));
      escalateInTime(run);
    }
    const next = actor.queue.shift();
    if (next) await actor.carryOut(next, () => answer(run, next));
    else {
      const end = endOfRun(run);
      if (end) {
        actor.refresh();
        await condition(allHandlersFinished);
        if (actor.queue.length === 0) return end;
      } else if (!actor.stale) await actor.notified();
    }
  }
}

function ask({ input, actor }: Run, action: DeadLetterAction, request: DecisionRequest): Promise<DecisionAnswer> {
  const attemptId = currentUpdateInfo()?.id ?? '';
  const { reason, payload = '', decisionId = attemptId, traceparent } = request;
  const operator = request.actor ?? request.operator ?? '';
  const command = { ...input, operator, reason, payload, decisionId, ...(traceparent ? { traceparent } : {}) };
  return actor.ask({ step: action, actor: operator, since: new Date().toISOString(), attemptId, command });
}

async function answer(run: Run, { step, command }: Asked<EditCommand, DecisionAnswer>): Promise<DecisionAnswer> {
  const { actor } = run;
  try {
    const after = await actor.watch.over(() => activityOf[step as DeadLetterAction](command));
    show(run, after);
    return answerOf(after);
  } catch (error) {
    // Decided elsewhere: Postgres tells what it is now.
    if (answerable(error).type === DEAD_LETTER_RESOLVED) actor.stale = true;
    throw error;
  }
}

/** Only for showing: when nothing can be loaded the dead letter is not known, and the run goes on. */
async function load({ input, actor, fired, escalated }: Run): Promise<DeadLetterView | null | undefined> {
  const escalates = fired && !escalated;
  try {
    return await actor.load(
      (recording) => (escalates ? local.escalateDeadLetter : local.loadDeadLetter)({ ...input, ...recording }),
      (recording) => (escalates ? escalateDeadLetter : loadDeadLetter)({ ...input, ...recording }),
    );
  } catch {
    return actor.view;
  }
}

/** The timer fires when the dead letter has waited for a day; what is found then says whether it still waits. */
function escalateInTime(run: Run): void {
  const { actor, durableTimer, fired, escalated, askedFirst } = run;
  const { view } = actor;
  if (!view || view.resolution || escalated || !(askedFirst || patched(ESCALATES))) return;
  if (fired) setEscalated(run);
  else durableTimer.set(Date.parse(view.openedAt) + ESCALATE_AFTER_MS, 'Escalated when nobody has decided then');
}

function setEscalated(run: Run): void {
  run.escalated = true;
  upsertSearchAttributes([flag('escalated', true)]);
}

function endOfRun({ actor: { view } }: Run): DeadLetterEnd | undefined {
  if (view === null) return { ended: 'abandoned' };
  return view?.resolution ? { ended: view.resolution.as } : undefined;
}

function show({ actor, escalated }: Run, next: DeadLetterView | null | undefined): void {
  actor.show(next);
  if (escalated && next?.resolution) upsertSearchAttributes([flag('escalated', false)]);
}

function refreshDetails({ actor, escalated }: Run): void {
  const { view, current, queue, stuck } = actor;
  setCurrentDetails(deadLetterDetails({ view, waiting: current ? [current, ...queue] : queue, stuck, escalated }));
}

const answerOf = ({ resolution, reason, detail, attempts }: DeadLetterView): DecisionAnswer => ({
  status: resolution?.as ?? 'open',
  reason,
  detail,
  attempts,
});
