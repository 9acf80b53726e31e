/** What a service makes sure of before it starts: the catalogue does not contradict itself, or what is handled here. */
import type { EventRow } from './catalogue.ts';
import { typeOf } from './cloud-event.ts';

/** What is wrong with a catalogue, one line a fault. */
export class CatalogError extends Error {}

/**
 * Throws CatalogError with every fault. `rows` is a catalogue, by the names of its members; `handled` are the members
 * for which there is a handler.
 */
export function checkCatalog(rows: Readonly<Record<string, EventRow>>, handled: readonly string[]): void {
  const faults = [...typesInCommon(rows), ...handled.flatMap((member) => handledFault(rows, member))];
  if (faults.length === 0) return;
  throw new CatalogError(`The catalogue of events is not right:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
}

/** Subscribers know an event by its type alone. */
function typesInCommon(rows: Readonly<Record<string, EventRow>>): string[] {
  const members = new Map<string, string[]>();
  for (const [member, row] of Object.entries(rows)) {
    const type = typeOf(member, row);
    members.set(type, [...(members.get(type) ?? []), member]);
  }
  return [...members]
    .filter(([, same]) => same.length > 1)
    .map(([type, same]) => `${same.join(' and ')} have one type, ${type}: each needs a name or a version of its own.`);
}

function handledFault(rows: Readonly<Record<string, EventRow>>, member: string): string[] {
  const row = Object.hasOwn(rows, member) ? rows[member] : undefined;
  if (!row) return [`${member} is handled, but the catalogue has no such event.`];
  return row.schema ? [] : [`${member} is handled, but it has no schema by which its data could be read.`];
}
