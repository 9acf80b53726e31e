/**
 * The actor behind a page: handlers note what was asked, and a main line carries it out, one update after the other.
 * The stories of an invoice and of a dead letter are told with it.
 *
 * Always true:
 * 1. It holds no truth: its view is what Postgres said last. Where Postgres may know more, `stale` says so.
 * 2. Whoever asks gets an answer: what came of it, a failure that is an answer, or that a person has stopped it.
 * 3. What a person has stopped is recorded by the next load.
 * 4. The page is written anew whenever the main line begins to wait, and when something changes while it waits for an
 *    activity. In between nobody can read it: a workflow task is under way.
 */
import type { Interventions } from './contract/common.ts';
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import { upsertSearchAttributes } from '@temporalio/workflow';
import type { Intervention } from '../commands/abandon.ts';
import { flag } from './attributes.ts';
import { answerable } from './failures.ts';
import { type Watch, createWatch, interventionIn } from './watch.ts';

/** What was asked for and has no answer yet. */
export interface Waiting {
  /** A step, or what was decided about a dead letter. */
  step: string;
  actor: string;
  /** RFC 3339 */
  since: string;
}

export interface Asked<Command, Answer> extends Waiting {
  attemptId: string;
  command: Command;
  resolve: (answer: Answer) => void;
  reject: (failure: Error) => void;
}

export interface Story<View> {
  /** The attributes that a new view changes. */
  attributes: (before: View | null, after: View | null) => SearchAttributeUpdatePair[];
  /** Writes the page anew. */
  refresh: () => void;
}

export interface Actor<View, Command, Answer> {
  /** null: there is none in Postgres. undefined: not known yet. */
  view: View | null | undefined;
  /** Postgres may know more than the view. */
  stale: boolean;
  current: Waiting | undefined;
  readonly stuck: boolean;
  readonly queue: Asked<Command, Answer>[];
  readonly watch: Watch;
  /** Notes what was asked. Resolves with its answer; rejects with a failure that fails the update. */
  ask: (asked: Omit<Asked<Command, Answer>, 'resolve' | 'reject'>) => Promise<Answer>;
  /** Writes the page anew. */
  refresh: () => void;
  /** Ends the wait of the main line. */
  notify: () => void;
  /** Resolves when something was asked, or somebody woke the main line. */
  notified: () => Promise<void>;
  /** Answers what was asked with what `work` gives. */
  carryOut: (next: Asked<Command, Answer>, work: () => Promise<Answer>) => Promise<void>;
  /**
   * Notes the end of an attempt that a person has stopped, if `error` is one; what became of it only Postgres knows.
   */
  noteStopped: (error: unknown, step: string, attemptId: string) => void;
  /** Reads the view: at first locally, then until it works. Rejects when a person has stopped it, or a bug has. */
  load: <V>(first: Read<V>, again: Read<V>) => Promise<V>;
  show: (next: View | null | undefined) => void;
}

/** Reads a view, after what people have stopped was recorded. */
type Read<V> = (recording: Interventions) => Promise<V>;

export function createActor<View, Command, Answer>(story: Story<View>): Actor<View, Command, Answer> {
  let notify: () => void = () => undefined;
  let stuck = false;
  let stopped: Intervention[] = [];
  const watch = createWatch(setStuck, story.refresh);

  function setStuck(isSo: boolean): void {
    if (stuck === isSo) return;
    stuck = isSo;
    upsertSearchAttributes([flag('stuck', isSo)]);
    story.refresh();
  }

  const actor: Actor<View, Command, Answer> = {
    view: undefined,
    stale: true,
    current: undefined,
    get stuck() {
      return stuck;
    },
    queue: [],
    watch,
    ask: (asked) =>
      new Promise((resolve, reject) => {
        actor.queue.push({ ...asked, resolve, reject });
        if (watch.isOpen) story.refresh();
        notify();
      }),
    refresh: story.refresh,
    notify: () => notify(),
    notified: () => {
      story.refresh();
      return new Promise((resolve) => (notify = resolve));
    },
    carryOut: async (next, work) => {
      actor.current = next;
      try {
        next.resolve(await work());
      } catch (error) {
        actor.noteStopped(error, next.step, next.attemptId);
        next.reject(answerable(error));
      }
      actor.current = undefined;
    },
    noteStopped: (error, step, attemptId) => {
      const intervention = interventionIn(error, step, attemptId);
      if (!intervention) return;
      stopped.push(intervention);
      actor.stale = true;
    },
    load: async (first, again) => {
      const isRecording = stopped.length > 0;
      const recording = isRecording ? { interventions: stopped } : {};
      const loaded = await first(recording).catch(() =>
        isRecording ? watch.overRecording(() => again(recording)) : watch.over(() => again(recording)),
      );
      stopped = [];
      return loaded;
    },
    show: (next) => {
      const changed = story.attributes(actor.view ?? null, next ?? null);
      actor.view = next;
      if (changed.length > 0) upsertSearchAttributes(changed);
    },
  };
  return actor;
}
