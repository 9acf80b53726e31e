/** Rows of the outbox of an event that has one version. */
import { type OutboxRow, outboxRows } from '../../commands/outbox.ts';
import type { EventDefinition } from '../../messaging/event.ts';

type Told = Parameters<typeof outboxRows> extends [unknown, ...infer Rest] ? Rest : never;

export function outboxRow(definition: EventDefinition, ...told: Told): OutboxRow {
  const [row] = outboxRows({ definition }, ...told);
  if (!row) throw new Error('An event has no version.');
  return row;
}
