/** What the service and the workflow of an event version agree on. */
import type { ReaderState } from '../../event-versions/readers.ts';
import type { DecisionName, Stage } from '../../event-versions/stage.ts';

export const eventVersionWorkflowId = (topic: string): string => `event-version/${topic}`;

export interface EventVersionInput {
  topic: string;
}

/** The argument of its updates, as staff fill it in. */
export interface EventVersionRequest {
  actor: string;
  reason: string;
  /** YYYY-MM-DD, for `deprecate` alone. */
  sunset?: string;
  /** For `close` alone: although it may be read. */
  force?: boolean;
}

export interface DecideEventVersionInput extends EventVersionInput, EventVersionRequest {
  action: DecisionName;
  /** Of the update. */
  attemptId: string;
}

export interface TendInput extends EventVersionInput {
  /** The version of what the page shows; null before the first look. A change of it is told at once. */
  seen: number | null;
  /** What the one before has told of it; null at first. */
  progress: FillProgress | null;
}

/** How far a look through the streams is. */
export interface FillProgress {
  /** Of the row that it looks for: a decision begins the look anew. */
  version: number;
  after: string;
  /** Transactions below this number may not know that the version is open. */
  fence: string;
  /** All of them had ended when the look began. */
  isSettled: boolean;
  /** Streams that lacked something. */
  found: number;
}

/** What the page shows. Instants are RFC 3339. */
export interface EventVersionView {
  topic: string;
  before: string | null;
  after: string | null;
  stage: Stage;
  /** How often it was changed. */
  version: number;
  /** YYYY-MM-DD */
  sunset: string | null;
  filledAt: string | null;
  progress: FillProgress | null;
  readers: { groupId: string; state: ReaderState; lag: string; members: number; lastSeenAt: string }[];
  lookedAt: string | null;
  /** Why Kafka could not be asked; null when it could. */
  lookError: string | null;
  /** The last decisions, the newest first. */
  decisions: { at: string; actor: string; action: string; stage: string; reason: string }[];
}
