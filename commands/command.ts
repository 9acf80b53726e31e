/** What a kind of command means to the transaction that carries it out. */
import type { Cashier } from '../cashiers/cashier.ts';
import type { CommandHead, Decision } from './decision.ts';
import type { DomainEvent } from './domain-events.ts';
import type { Refusal } from './refusal.ts';
import type { Invoice } from '../invoices/invoice.ts';
import type { TransactionClient } from '../platform/database.ts';
import type { EntityKind } from './entity-kinds.ts';

export interface Plan<State, Event extends DomainEvent, Command extends CommandHead, Facts, Answer> {
  kind: EntityKind<State, Event>;
  /** As the audit trail and the Web UI name it. */
  step: string;
  entityId: (command: Command) => string;
  /** What the decision needs beside the entity, read after it was locked. */
  readFacts?: (tx: TransactionClient, command: Command, state: State | null) => Promise<Facts>;
  decide: (state: State | null, command: Command, facts: Facts) => Decision<State, Event>;
  /** The last lock: completes the accepted entities with what only the database can give (numbers). */
  complete?: (tx: TransactionClient, states: State[], commands: Command[]) => Promise<State[]>;
  /** What the caller is told, and told again whenever the key comes again. JSON. */
  answer: (state: State, command: Command) => Answer;
  /** Rows of one's own, in the same commit. */
  also?: (tx: TransactionClient, outcomes: readonly Outcome<State, Event, Answer>[]) => Promise<void>;
}

export type Outcome<State, Event, Answer> =
  | { kind: 'done'; answer: Answer; state: State; event: Event }
  /** Carried out before: what was answered then. */
  | { kind: 'replayed'; answer: Answer }
  | { kind: 'refused'; refusal: Refusal };

export type AnyState = Invoice | Cashier;

/** Inside the transaction the kinds of plans are not told apart. */
export type AnyPlan = Plan<AnyState, DomainEvent, CommandHead, unknown, unknown>;
export type AnyOutcome = Outcome<AnyState, DomainEvent, unknown>;
