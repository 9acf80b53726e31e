/** What the rules say to a command: one shape for every entity. */
import type { Refusal } from './refusal.ts';

export type Decision<State, Code extends string = string> =
  | Accepted<State>
  /** The command was carried out before under another key; nothing changes. */
  | { kind: 'replayed'; state: State }
  | { kind: 'refused'; refusal: Refusal<Code> };

/** The entity as it is after the step. */
export interface Accepted<State> {
  kind: 'accepted';
  state: State;
  /** Why a person wanted it: stored in the audit trail. */
  reason: string | null;
  /** The entity is gone; `state` is what it was last. */
  removed?: true;
}

/** What every entity has. */
export interface EntityState {
  tenantId: string;
  id: string;
  version: number;
}

/** What every command carries, whatever it is about. */
export interface CommandHead {
  tenantId: string;
  /** The stored key; the truth about whether the command was carried out (commands/key.ts). */
  key: string;
  fingerprint: string;
  attemptId: string;
  /** RFC 3339; the instant at which the command was accepted, and the only clock the rules know. */
  acceptedAt: string;
  actor: string;
}

export const refused = <Code extends string>(because: Refusal<Code>): { kind: 'refused'; refusal: Refusal<Code> } => ({
  kind: 'refused',
  refusal: because,
});

export const accepted = <State>(
  state: State,
  { reason = null, ...more }: { reason?: string | null; removed?: true } = {},
): Accepted<State> => ({ kind: 'accepted', state, reason, ...more });
