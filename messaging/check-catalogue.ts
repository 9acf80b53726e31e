/** What a service makes sure of before it starts: its events do not contradict each other, or what is handled here. */
import { eventType } from './cloud-event.ts';
import type { EventDefinition } from './event.ts';

/** What is wrong with a catalogue, one line a fault. */
export class CatalogueError extends Error {}

/** Throws CatalogueError with every fault. `handled` are the events for which there is a handler. */
export function checkCatalogue(events: readonly EventDefinition[], handled: readonly EventDefinition[]): void {
  const faults = [...typesInCommon(events), ...handled.flatMap((event) => handledFault(events, event))];
  if (faults.length === 0) return;
  throw new CatalogueError(`The catalogue of events is not right:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
}

/** Subscribers know an event by its type alone. */
function typesInCommon(events: readonly EventDefinition[]): string[] {
  const names = new Map<string, string[]>();
  for (const event of events) {
    const type = eventType(event);
    names.set(type, [...(names.get(type) ?? []), event.name]);
  }
  return [...names]
    .filter(([, same]) => same.length > 1)
    .map(([type, same]) => `${same.join(' and ')} have one type, ${type}: each needs a name or a version of its own.`);
}

function handledFault(events: readonly EventDefinition[], event: EventDefinition): string[] {
  if (!events.includes(event)) return [`${event.name} is handled, but the catalogue has no such event.`];
  return event.schema ? [] : [`${event.name} is handled, but it has no schema by which its data could be read.`];
}
