/** What a kind of entity is to recovery: its events carry the whole of it, so the steps can be read from them. */
import type { AnyCommandDefinition } from '../../commands/command.ts';
import type { EntityState } from '../../commands/decision.ts';
import type { EntityDefinition } from '../../commands/entity.ts';
import type { LostEvent } from './lost.ts';

/** A step, as its event tells it. */
export interface ReadStep {
  /** The entity after it. */
  state: EntityState;
  removed?: true;
  /** What the command carried, as far as its rows, answer and events need it. */
  body: object;
  /** RFC 3339 */
  acceptedAt: string;
  /** Why a person wanted it, where the event says so. */
  reason: string | null;
}

export interface RecoverableStep {
  definition: AnyCommandDefinition;
  /** Throws an Unreadable when the event does not follow on what was before. `data` is the event's. */
  read: (before: EntityState | null, data: Record<string, unknown>, event: LostEvent) => ReadStep;
}

export interface RecoverableKind {
  entity: EntityDefinition;
  /** By the type of the event that tells of them. */
  steps: ReadonlyMap<string, RecoverableStep>;
  /** The name of its id in its events' keys. */
  idName: 'invoiceId' | 'cashierId';
  /** Has it a workflow, which must look again? */
  wakes: boolean;
}

/** The event does not tell the step; its message says why. */
export class Unreadable extends Error {}
