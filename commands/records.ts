/**
 * What is recorded of an accepted command beside the entity itself: the rows of its definition, an entry in the audit
 * trail, and its events in the outbox. All of it is made before anything is written, so what throws fails the command.
 */
import type { EntityState } from './decision.ts';
import { v7 as uuidv7 } from 'uuid';
import { type StreamPlace, type WireSettings, streamPlace } from '../messaging/cloud-event.ts';
import type { EventDefinition, EventIds } from '../messaging/event.ts';
import { type AuditHead, type AuditRow, auditRow } from './audit.ts';
import type { AnyCommandDefinition, Occurrence, Rows } from './command.ts';
import { type OutboxRow, outboxRow } from './outbox.ts';

/** A command that was accepted, with what its records need. */
export interface Recording extends Omit<Occurrence, 'newId'> {
  reason: string | null;
  /** The end of the entity's audit chain before the command. */
  auditHead: AuditHead;
  /** RFC 3339; the time of the commit as near as it can be known. */
  recordedAt: string;
  /** The next sequence of a stream; taken before any record is made. */
  nextSequence: (stream: string) => bigint;
  wire: WireSettings;
}

export interface Records {
  /** The rows of the command's definition. */
  rows: Rows;
  audit: AuditRow | null;
  events: OutboxRow[];
}

export function recordsOf(definition: AnyCommandDefinition, recording: Recording): Records {
  const { state, command } = recording;
  const occurrence: Occurrence = { state, command, newId: uuidv7 };
  return {
    rows: definition.rows?.(occurrence) ?? {},
    audit: definition.unaudited ? null : auditOf(definition, recording),
    events: eventsOf(definition, recording, occurrence),
  };
}

/**
 * The streams that a command publishes to; one name for each of its events. They are locked before numbers are drawn.
 */
export const streamsOf = (
  { entity, events }: AnyCommandDefinition,
  state: EntityState,
  environment: string,
): string[] => events.map(({ definition }) => placeOf(definition, entity.ids(state), environment).stream);

/** Throws a TypeError when the entity lacks a part of the event's key: it would go to a stream that is nobody's. */
function placeOf(event: EventDefinition, ids: EventIds, environment: string): StreamPlace {
  const missing = event.key?.find((part) => !ids[part]);
  if (missing !== undefined) throw new TypeError(`${event.name} has no ${missing} for its key.`);
  return streamPlace(event, ids, environment);
}

/** Who did what, when and why, with the entity after it. */
const auditOf = ({ entity, step }: AnyCommandDefinition, { state, command, reason, auditHead }: Recording): AuditRow =>
  auditRow(auditHead, { entityType: entity.type, state, status: entity.status(state), action: step, command, reason });

const eventsOf = (
  { entity, events }: AnyCommandDefinition,
  { state, command, recordedAt, nextSequence, wire }: Recording,
  occurrence: Occurrence,
): OutboxRow[] =>
  events.map(({ definition, data }) => {
    const ids = entity.ids(state);
    const { stream } = placeOf(definition, ids, wire.environment);
    const context = { sequence: nextSequence(stream), time: recordedAt, causationId: command.key };
    return outboxRow(definition, ids, data(occurrence), context, wire);
  });
