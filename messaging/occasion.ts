/** When an event is published, and what can come after it: computed from the lifecycle of what it is about. */
export interface Occasion {
  /** The name of the event; all its versions tell of one fact. */
  event: string;
  /** The step that publishes it. */
  step: string;
  /** What the step is for; absent for what time brings. */
  summary?: string;
  /** What must be so before it, and what is so after it: whole sentences. */
  before: string;
  after: string;
  /** The names of the public events that can come next in its stream. */
  next: readonly string[];
}

/** For readers: `draft or finalized`. */
export const either = (words: readonly string[]): string =>
  new Intl.ListFormat('en', { type: 'disjunction' }).format(words);
