/** How an event version is stored and audited. It is of no tenant. */
import { defineEntity } from '../commands/entity.ts';
import { type Row, fromRow } from '../commands/members.ts';
import { type EventVersion, eventVersionMembers } from './members.ts';

export const eventVersionEntity = defineEntity<typeof eventVersionMembers, EventVersion>({
  type: 'event_version',
  table: 'event_versions',
  members: eventVersionMembers,
  ids: () => ({}),
  status: ({ stage }) => stage,
  refusalOf: () => undefined,
});

/** A row of `event_versions` as the rules see it; a CHECK constraint holds what its stage may be. */
export const toEventVersion = (row: Row): EventVersion => fromRow(eventVersionMembers, row) as EventVersion;
