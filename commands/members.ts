/**
 * The members of an entity, one row each: how Postgres holds it, and how callers and subscribers see it. From the rows
 * come the entity's type, the reading and writing of its columns, and its shape on the wire.
 */
import { snakeCase } from 'change-case';
import type { z } from 'zod';
import { remembering } from '../values/remembering.ts';

/** How a value is read from a column. Written, it is the same value as JSON. */
export interface Column<T> {
  /** Throws a TypeError when the column holds something else. */
  read: (value: unknown) => T;
}

function column<T>(what: string, read: (value: unknown) => T | undefined): Column<T> {
  return {
    read: (value) => {
      const found = read(value);
      if (found === undefined) throw new TypeError(`A column holds ${typeof value} instead of ${what}.`);
      return found;
    },
  };
}

export const text = column('text', (value) => (typeof value === 'string' ? value : undefined));
export const int = column('an integer', (value) => (typeof value === 'number' ? value : undefined));
/** Minor units. They fit a number: the largest is below 2^53 (a CHECK constraint holds it). */
export const minorUnits = column('minor units', (value) => (typeof value === 'bigint' ? Number(value) : undefined));
const instantOf = (value: unknown): string | undefined => (value instanceof Date ? value.toISOString() : undefined);
/** RFC 3339, UTC. */
export const instant = column('an instant', instantOf);
/** YYYY-MM-DD */
export const date = column('a date', (value) => instantOf(value)?.slice(0, 10));

export const nullable = <T>({ read }: Column<T>): Column<T | null> => ({
  read: (value) => (value === null ? null : read(value)),
});

export interface Member {
  /** Absent for a member that is computed when it is shown. */
  column?: Column<unknown>;
  /** Written once, when the entity is made. */
  fixed?: true;
  /** What it is in an entity that was just made, unless the step that makes it says otherwise. */
  initial?: unknown;
  /** Its schema on the wire. Absent: nobody outside sees it. */
  wire?: () => z.ZodType;
  /** Its name on the wire, where that is another. */
  as?: string;
  /** What is shown, when that is not the value itself; `now` is RFC 3339. */
  // oxlint-disable-next-line typescript/no-explicit-any -- each takes the part of the entity that it needs
  show?: (entity: any, now: string) => unknown;
}

export type Members = Readonly<Record<string, Member>>;

/** The entity, as Postgres holds it. */
export type StateOf<M extends Members> = {
  [K in keyof M as M[K] extends { column: object } ? K : never]: M[K] extends { column: Column<infer T> } ? T : never;
};

/** What an entity has before the step that makes it says more. */
export type InitialOf<M extends Members> = {
  [K in keyof M as M[K] extends { initial: unknown } ? K : never]: M[K] extends { column: Column<infer T> } ? T : never;
};

/** The members that are seen, by their names on the wire. */
export type WireShape<M extends Members> = {
  [
    K in keyof M as M[K] extends { wire: unknown } ? (M[K] extends { as: infer N extends string } ? N : K) : never
  ]: M[K] extends { wire: () => infer S extends z.ZodType } ? S : never;
};

/** A row as Postgres gives it, by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>;

interface Stored {
  name: string;
  /** The name of its column: customerReference is customer_reference. */
  column: string;
  read: (value: unknown) => unknown;
  fixed: boolean;
}

const storedOf = remembering((members: Members): readonly Stored[] =>
  Object.entries(members).flatMap(([name, { column: how, fixed = false }]) =>
    how ? [{ name, column: snakeCase(name), read: how.read, fixed }] : [],
  ),
);

/** The columns that change after the entity was made. */
export const changingColumnsOf = (members: Members): string[] =>
  storedOf(members)
    .filter(({ fixed }) => !fixed)
    .map((member) => member.column);

/** Reads a row. Throws a TypeError when a column is missing, or holds something else than its member says. */
export function fromRow<M extends Members>(members: M, row: Row): StateOf<M> {
  const state: Record<string, unknown> = {};
  for (const member of storedOf(members)) state[member.name] = member.read(row[member.column]);
  return state as StateOf<M>;
}

/** The entity's columns as JSON values, by their names. */
export function toRow<M extends Members>(members: M, state: StateOf<M>): Row {
  const row: Record<string, unknown> = {};
  for (const member of storedOf(members)) row[member.column] = state[member.name as keyof StateOf<M>];
  return row;
}

export const initialOf = <M extends Members>(members: M): InitialOf<M> =>
  Object.fromEntries(
    Object.entries(members).flatMap(([name, { initial }]) => (initial === undefined ? [] : [[name, initial]])),
  ) as InitialOf<M>;

const shownOf = remembering((members: Members) =>
  Object.entries(members).flatMap(([name, { wire, as = name, show }]) => (wire ? [{ name, as, wire, show }] : [])),
);

/** The schemas of the members that are seen. */
export const wireShape = <M extends Members>(members: M): WireShape<M> =>
  Object.fromEntries(shownOf(members).map(({ as, wire }) => [as, wire()])) as unknown as WireShape<M>;

/** The entity as it is seen at the instant `now` (RFC 3339). */
export function toWireShape<M extends Members>(
  members: M,
  state: StateOf<M>,
  now: string,
): { [K in keyof WireShape<M>]: z.output<WireShape<M>[K]> } {
  const wire: Record<string, unknown> = {};
  for (const { name, as, show } of shownOf(members))
    wire[as] = show ? show(state, now) : state[name as keyof StateOf<M>];
  return wire as { [K in keyof WireShape<M>]: z.output<WireShape<M>[K]> };
}
