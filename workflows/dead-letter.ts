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
import type { AbandonRequest, Intervention } from '../commands/abandon.ts';
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
import { type DeadLetterVerb, ESCALATE_AFTER_MS, verbNames } from '../dead-letters/dead-letter.ts';
import {
  DEAD_LETTER_RESOLVED,
  type DeadLetterEnd,
  type DeadLetterInput,
  type DeadLetterView,
  type DecisionAnswer,
  type DecisionRequest,
  type EditCommand,
} from './contract.ts';
import { createAlarm } from './alarm.ts';
import { deadLetterAttributes, escalatedAttribute, stuckAttribute } from './dead-letter-attributes.ts';
import { type WaitingDecision, deadLetterDetails } from './dead-letter-details.ts';
import { checkDecision } from './dead-letter-requests.ts';
import { answerable } from './failures.ts';
import { checkDeadLetterStart } from './inputs.ts';
import { checkAbandon } from './invoice-requests.ts';
import { ESCALATES, ESCALATES_ASKED_FIRST } from './patches.ts';
import { localFirst, replaying, untilItWorks } from './profiles.ts';
import { createWatch, interventionIn } from './watch.ts';

const local = proxyLocalActivities<Activities>(localFirst);
const { loadDeadLetter, escalateDeadLetter, editMessage, discardMessage, withholdEvent } =
  proxyActivities<Activities>(untilItWorks);
const { replayMessage } = proxyActivities<Activities>(replaying);

const activityOf: Record<DeadLetterVerb, (command: EditCommand) => Promise<DeadLetterView>> = {
  replay: replayMessage,
  edit: editMessage,
  discard: discardMessage,
  withhold: withholdEvent,
};

const updateDescriptions: Record<DeadLetterVerb, string> = {
  replay: 'Hands the message in, or sends the event, again: {"actor": "you", "reason": "..."}',
  edit: 'Gives it another payload, for the next replay: {"actor": "you", "reason": "...", "payload": "{...}"}',
  discard: 'A message: ends it without effect, for good: {"actor": "you", "reason": "..."}',
  withhold: 'An event: sends EventWithheld in its place, for good: {"actor": "you", "reason": "..."}',
};

interface QueuedDecision extends WaitingDecision {
  /** The id of its update: a decision that is sent again is another attempt. */
  attemptId: string;
  command: EditCommand;
  resolve: (answer: DecisionAnswer) => void;
  reject: (failure: Error) => void;
}

export async function deadLetter(input: DeadLetterInput): Promise<DeadLetterEnd> {
  checkDeadLetterStart(input);
  const queue: QueuedDecision[] = [];
  /** null: there is no such row. undefined: not known yet. */
  let view: DeadLetterView | null | undefined;
  /** What people have stopped and no load has recorded yet. */
  let interventions: Intervention[] = [];
  let stale = true;
  let current: WaitingDecision | undefined;
  let stuck = false;
  let escalated = false;
  let rang = false;
  let wake: () => void = () => undefined;
  const askedFirst = patched(ESCALATES_ASKED_FIRST);
  const watch = createWatch(setStuck);
  const alarm = createAlarm(() => {
    rang = true;
    stale = true;
    wake();
  });

  for (const verb of verbNames) {
    setHandler(defineUpdate<DecisionAnswer, [DecisionRequest]>(verb), (request) => enqueue(verb, request), {
      validator: (request) => checkDecision(verb, request),
      description: updateDescriptions[verb],
    });
  }
  setHandler(defineUpdate<string, [AbandonRequest]>('abandon'), watch.giveUp, {
    validator: checkAbandon,
    description: 'Stops trying a stuck decision: {"actor": "you", "reason": "..."}',
  });

  return CancellationScope.nonCancellable(mainLine);

  async function mainLine(): Promise<DeadLetterEnd> {
    for (;;) {
      if (stale) {
        stale = false;
        show(await load());
        watchTheClock();
      }
      const next = queue.shift();
      if (next) await carryOut(next);
      else {
        const end = endOfRun();
        if (end) {
          await condition(allHandlersFinished);
          if (queue.length === 0) return end;
        } else if (!stale) await new Promise<void>((resolve) => (wake = resolve));
      }
    }
  }

  function enqueue(verb: DeadLetterVerb, request: DecisionRequest): Promise<DecisionAnswer> {
    const attemptId = currentUpdateInfo()?.id ?? '';
    const { reason, payload = '', decisionId = attemptId } = request;
    const operator = request.actor ?? request.operator ?? '';
    const command = { ...input, operator, reason, payload, decisionId };
    return new Promise((resolve, reject) => {
      queue.push({ verb, operator, since: new Date().toISOString(), attemptId, command, resolve, reject });
      refreshDetails();
      wake();
    });
  }

  async function carryOut(next: QueuedDecision): Promise<void> {
    current = next;
    refreshDetails();
    try {
      const after = await watch.over(() => activityOf[next.verb](next.command));
      show(after);
      next.resolve(answerOf(after));
    } catch (error) {
      const failure = answerable(error);
      const intervention = interventionIn(error, next.verb, next.attemptId);
      if (intervention) interventions.push(intervention);
      // Given up, or decided elsewhere: Postgres tells what it is now.
      if (intervention || failure.type === DEAD_LETTER_RESOLVED) stale = true;
      next.reject(failure);
    }
    current = undefined;
    refreshDetails();
  }

  /** Only for showing: when nothing can be loaded the letter is not known, and the run goes on. */
  async function load(): Promise<DeadLetterView | null | undefined> {
    const escalates = rang && !escalated;
    const isRecording = interventions.length > 0;
    const wanted = isRecording ? { ...input, interventions } : input;
    try {
      const loaded = await (escalates ? local.escalateDeadLetter : local.loadDeadLetter)(wanted).catch(() => {
        const again = () => (escalates ? escalateDeadLetter : loadDeadLetter)(wanted);
        return isRecording ? watch.overRecording(again) : watch.over(again);
      });
      interventions = [];
      return loaded;
    } catch {
      return view;
    }
  }

  /** Rings when the letter has waited for a day; what is found then says whether it still waits. */
  function watchTheClock(): void {
    if (!view || view.resolution || escalated || !(askedFirst || patched(ESCALATES))) return;
    if (rang) setEscalated();
    else alarm.set(Date.parse(view.openedAt) + ESCALATE_AFTER_MS, 'Escalated when nobody has decided then');
  }

  function setEscalated(): void {
    escalated = true;
    upsertSearchAttributes(escalatedAttribute(true));
    refreshDetails();
  }

  function endOfRun(): DeadLetterEnd | undefined {
    if (view === null) return { ended: 'abandoned' };
    return view?.resolution ? { ended: view.resolution.as } : undefined;
  }

  function show(next: DeadLetterView | null | undefined): void {
    const changed = deadLetterAttributes(view ?? null, next ?? null);
    view = next;
    if (changed.length > 0) upsertSearchAttributes(changed);
    if (escalated && view?.resolution) upsertSearchAttributes(escalatedAttribute(false));
    refreshDetails();
  }

  function setStuck(value: boolean): void {
    if (stuck === value) return;
    stuck = value;
    upsertSearchAttributes(stuckAttribute(value));
    refreshDetails();
  }

  function refreshDetails(): void {
    setCurrentDetails(deadLetterDetails({ view, waiting: current ? [current, ...queue] : queue, stuck, escalated }));
  }
}

const answerOf = ({ resolution, reason, detail, attempts }: DeadLetterView): DecisionAnswer => ({
  status: resolution?.as ?? 'open',
  reason,
  detail,
  attempts,
});
