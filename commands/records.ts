/**
 * What is recorded of an accepted command beside the entity itself: the rows of its definition, an entry in the audit
 * trail, and its events in the outbox. All of it is made before anything is written, so what throws fails the command.
 */
import { v7 as uuidv7 } from 'uuid';
import type { WireSettings } from '../messaging/cloud-event.ts';
import type { EventDefinition, EventIds } from '../messaging/event.ts';
import { traced } from '../platform/tracing.ts';
import { type AuditHead, type AuditRow, auditRow } from './audit.ts';
import type { AnyCommandDefinition, Occurrence, Rows } from './command.ts';
import { type OutboxRow, outboxRows } from './outbox.ts';

/** A command that was accepted, with what its records need. */
export interface Recording extends Omit<Occurrence, 'newId'> {
  reason: string | null;
  /** The end of the entity's audit chain before the command. */
  auditHead: AuditHead;
  /** RFC 3339; the time of the commit as near as it can be known. */
  recordedAt: string;
  wire: WireSettings;
}

export interface Records {
  /** The rows of the command's definition. */
  rows: Rows;
  audit: AuditRow | null;
  events: OutboxRow[];
}

export function recordsOf(definition: AnyCommandDefinition, recording: Recording): Records {
  const { before, state, command } = recording;
  const occurrence: Occurrence = { before, state, command, newId: uuidv7 };
  return {
    rows: definition.rows?.(occurrence) ?? {},
    audit: definition.unaudited ? null : auditOf(definition, recording),
    events: eventsOf(definition, recording, occurrence),
  };
}

/** Throws a TypeError when the entity lacks a part of the event's key: it would go to a stream that is nobody's. */
function checkKey(event: EventDefinition, ids: EventIds): void {
  const missing = event.key?.find((part) => !ids[part]);
  if (missing !== undefined) throw new TypeError(`${event.name} has no ${missing} for its key.`);
}

/** Who did what, when and why, with the entity after it. */
const auditOf = ({ entity, step }: AnyCommandDefinition, { state, command, reason, auditHead }: Recording): AuditRow =>
  auditRow(auditHead, { entityType: entity.type, state, status: entity.status(state), action: step, command, reason });

const eventsOf = (
  { entity, events }: AnyCommandDefinition,
  { state, command, recordedAt, wire }: Recording,
  occurrence: Occurrence,
): OutboxRow[] =>
  events.flatMap((event) => {
    const ids = entity.ids(state);
    checkKey(event.definition, ids);
    const cause = { time: recordedAt, causationId: command.key, actor: command.actor, ...traced() };
    return outboxRows(event, ids, event.data(occurrence), cause, wire);
  });
