/** What the rules say to a command: one shape for every entity. */
import type { Refusal } from './refusal.ts';

export type Decision<State, Event> =
  /** The entity as it is after the step, and the domain event that the step is. */
  | { kind: 'accepted'; state: State; event: Event }
  /** The command was carried out before under another key; nothing changes. */
  | { kind: 'replayed'; state: State }
  | { kind: 'refused'; refusal: Refusal };

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

export const refused = (because: Refusal): { kind: 'refused'; refusal: Refusal } => ({
  kind: 'refused',
  refusal: because,
});

export const accepted = <State, Event>(state: State, event: Event): Decision<State, Event> => ({
  kind: 'accepted',
  state,
  event,
});
