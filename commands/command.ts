/** What a kind of command is to the transaction that carries it out. */
import type { VersionedEvent } from '../messaging/event.ts';
import type { TransactionClient } from '../platform/database.ts';
import type { CommandHead, Decision, EntityState } from './decision.ts';
import type { EntityDefinition } from './entity.ts';
import type { Refusal } from './refusal.ts';

/** A command that was accepted: what its events and rows are made of. */
export interface Occurrence<State = EntityState, Command extends CommandHead = CommandHead> {
  /** The entity as it was before it; null when there was none. */
  before: State | null;
  /** The entity as it is after the command. */
  state: State;
  command: Command;
  /** A UUIDv7 for a row of its own. */
  newId: () => string;
}

/** An event that a command publishes. */
export interface PublishedEvent<State, Command extends CommandHead> extends VersionedEvent {
  /** The newest version's data. */
  data: (occurrence: Occurrence<State, Command>) => unknown;
}

/** Rows to insert, by table and by the names of their columns. */
export type Rows = Readonly<Record<string, readonly object[]>>;

export interface CommandDefinition<State extends EntityState, Command extends CommandHead, Lookups, Answer> {
  entity: EntityDefinition<State>;
  /** As the audit trail and the Web UI name it. */
  step: string;
  entityId: (command: Command) => string;
  /** The command with a body that was not parsed at an edge; or what is wrong with it. */
  parse?: (command: Command, state: State | null) => Command | { refusal: Refusal };
  /** What the decision needs beside the entity, read after it was locked. */
  lookUp?: (tx: TransactionClient, command: Command, state: State | null) => Promise<Lookups>;
  decide: (state: State | null, command: Command, lookups: Lookups) => Decision<State>;
  /** Completes the accepted entities with what only the database can give (numbers), and locks it. */
  complete?: (tx: TransactionClient, states: State[], commands: Command[]) => Promise<State[]>;
  /** What the caller is told, and told again whenever the key comes again. JSON. */
  answer: (state: State, command: Command) => Answer;
  /** In the order in which they are published. */
  events: readonly PublishedEvent<State, Command>[];
  /** Rows of other tables that tell of it, in the same commit. */
  rows?: (occurrence: Occurrence<State, Command>) => Rows;
  /** It changes nothing, and leaves no entry in the audit trail. */
  unaudited?: true;
  /** More that belongs into the same commit; carried out before the entities are written. */
  also?: (tx: TransactionClient, outcomes: readonly Outcome<State, Answer>[]) => Promise<void>;
}

export type Outcome<State, Answer> =
  | { kind: 'done'; answer: Answer; state: State; reason: string | null }
  /** Carried out before: what was answered then. */
  | { kind: 'replayed'; answer: Answer }
  | { kind: 'refused'; refusal: Refusal };

/** Inside the transaction the kinds of commands are not told apart. */
export type AnyCommandDefinition = CommandDefinition<EntityState, CommandHead, unknown, unknown>;
export type AnyOutcome = Outcome<EntityState, unknown>;
