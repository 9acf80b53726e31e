/**
 * The story of a dead letter: a message that could not be handled waits for a person.
 *
 * Always true:
 * 1. The row in Postgres is the truth; the workflow shows it, and carries one decision out at a time.
 * 2. It ends when the row is resolved, or was never there; nothing else ends it, and nothing that staff can send makes
 *    a workflow task fail.
 * 3. A replay that is refused again leaves it open, with the new reason.
 */
import {
  CancellationScope,
  allHandlersFinished,
  condition,
  currentUpdateInfo,
  defineUpdate,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import {
  ABANDONED,
  type AbandonRequest,
  DEAD_LETTER_RESOLVED,
  type DeadLetterEnd,
  type DeadLetterInput,
  type DeadLetterVerb,
  type DeadLetterView,
  type DecisionAnswer,
  type DecisionCommand,
  type DecisionRequest,
} from './contract.ts';
import { deadLetterAttributes, stuckAttribute } from './dead-letter-attributes.ts';
import { type WaitingDecision, deadLetterDetails } from './dead-letter-details.ts';
import { checkDeadLetterInput, checkDecision } from './dead-letter-requests.ts';
import { answerable } from './failures.ts';
import { checkAbandon } from './invoice-requests.ts';
import { localFirst, replaying, untilItWorks } from './profiles.ts';
import { createWatch } from './watch.ts';

const local = proxyLocalActivities<Activities>(localFirst);
const { loadDeadLetter, discardMessage } = proxyActivities<Activities>(untilItWorks);
const { replayMessage } = proxyActivities<Activities>(replaying);

const activityOf = { replay: replayMessage, discard: discardMessage };
const verbs = ['replay', 'discard'] as const;

const updateDescriptions: Record<DeadLetterVerb, string> = {
  replay: 'Hands the message in again: {"operator": "you", "reason": "..."}',
  discard: 'Ends it without effect, for good: {"operator": "you", "reason": "..."}',
};

interface QueuedDecision extends WaitingDecision {
  command: DecisionCommand;
  resolve: (answer: DecisionAnswer) => void;
  reject: (failure: Error) => void;
}

export async function deadLetter(input: DeadLetterInput): Promise<DeadLetterEnd> {
  checkDeadLetterInput(input);
  const queue: QueuedDecision[] = [];
  /** null: there is no such row. undefined: not known yet. */
  let view: DeadLetterView | null | undefined;
  let stale = true;
  let current: WaitingDecision | undefined;
  let stuck = false;
  let wake: () => void = () => undefined;
  const watch = createWatch(setStuck);

  for (const verb of verbs) {
    setHandler(defineUpdate<DecisionAnswer, [DecisionRequest]>(verb), (request) => enqueue(verb, request), {
      validator: checkDecision,
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

  function enqueue(verb: DeadLetterVerb, { operator, reason, decisionId }: DecisionRequest): Promise<DecisionAnswer> {
    const command = { ...input, operator, reason, decisionId: decisionId ?? currentUpdateInfo()?.id ?? '' };
    return new Promise((resolve, reject) => {
      queue.push({ verb, operator, since: new Date().toISOString(), command, resolve, reject });
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
      // Given up, or decided elsewhere: Postgres tells what it is now.
      if (failure.type === ABANDONED || failure.type === DEAD_LETTER_RESOLVED) stale = true;
      next.reject(failure);
    }
    current = undefined;
    refreshDetails();
  }

  /** Only for showing: when nothing can be loaded the letter is not known, and the run goes on. */
  async function load(): Promise<DeadLetterView | null | undefined> {
    try {
      return await local.loadDeadLetter(input);
    } catch {
      return watch.over(() => loadDeadLetter(input)).catch(() => view);
    }
  }

  function endOfRun(): DeadLetterEnd | undefined {
    if (view === null) return { ended: 'abandoned' };
    return view?.resolution ? { ended: view.resolution.as } : undefined;
  }

  function show(next: DeadLetterView | null | undefined): void {
    const changed = deadLetterAttributes(view ?? null, next ?? null);
    view = next;
    if (changed.length > 0) upsertSearchAttributes(changed);
    refreshDetails();
  }

  function setStuck(value: boolean): void {
    if (stuck === value) return;
    stuck = value;
    upsertSearchAttributes(stuckAttribute(value));
    refreshDetails();
  }

  function refreshDetails(): void {
    setCurrentDetails(deadLetterDetails({ view, waiting: current ? [current, ...queue] : queue, stuck }));
  }
}

const answerOf = ({ resolution, reason, detail, attempts }: DeadLetterView): DecisionAnswer => ({
  status: resolution?.as ?? 'open',
  reason,
  detail,
  attempts,
});
