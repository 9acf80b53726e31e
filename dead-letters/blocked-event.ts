/**
 * What a decision does to the event of an outbound dead letter.
 *
 * Always true:
 * 1. The event is the next of its stream, and the stream waits for it: nothing of the stream is sent before the event
 *    was acknowledged, or EventWithheld has taken its place, under the same key and sequence.
 * 2. What was recorded (ids, money, number, status, times) and where it goes stay as they are, whatever is edited: only
 *    texts can be.
 * 3. While a replay may be on its way, also one whose workflow was ended, the event stays as it is: what is sent is
 *    what the outbox has.
 */
import { DECISION_REFUSED, type DecisionCommand, PAYLOAD_REFUSED } from '../workflows/contract/dead-letter.ts';
import { schemaOf } from '../values/schema.ts';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { editableTexts } from './dead-letter.ts';
import { type EventDefinition } from '../messaging/event.ts';
import { eventWithheld } from '../messaging/event-withheld.ts';
import { type WireSettings, eventType, withheldHeaders } from '../messaging/cloud-event.ts';
import { EVENT_BYTES_MAX } from '../messaging/event-sink.ts';
import type { Inspect } from '../messaging/event-source.ts';
import { faultsOf } from '../messaging/faults.ts';
import type { Database, TransactionClient } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';
import { traced } from '../platform/tracing.ts';
import { recordOf } from './payload.ts';
import type { DeadLetterRow } from './rows.ts';

/** The decision does not fit the dead letter, or the payload the event; nothing was changed. */
export class DecisionRefused extends Error {
  readonly type: string;
  constructor(message: string, type = DECISION_REFUSED) {
    super(message);
    this.type = type;
  }
}

const blockedEventRow = z.object({
  id: z.string(),
  type: z.string(),
  stream: z.string(),
  topic: z.string(),
  partitionKey: z.string(),
  headers: z.string(),
  value: z.string(),
  publishedAt: z.date().nullable(),
  /** The event that its stream waits for. */
  blockedBy: z.string().nullable(),
});

export type BlockedEvent = z.infer<typeof blockedEventRow>;

/** The event of an outbound dead letter, as it would be sent now. */
export async function eventOf(
  database: Database | TransactionClient,
  { outboxEventId }: DeadLetterRow,
): Promise<BlockedEvent> {
  const [event] = await queryRows(database, blockedEventRow)`
    SELECT e.id, e.type, e.stream, e.topic, e.partition_key AS "partitionKey", e.headers, e.value,
           e.published_at AS "publishedAt", s.blocked_by AS "blockedBy"
    FROM outbox_events e JOIN streams s USING (stream) WHERE e.id = ${outboxEventId}::uuid`;
  if (!event) throw new TypeError(`The event ${outboxEventId} of a dead letter is not in the outbox.`);
  return event;
}

/** Longer than a send may take. */
const REPLAY_LIMIT_MS = 60_000;

/** From now on the event cannot be changed, until the replay is recorded or cannot be on its way any more. */
export const beginReplay = async (database: Database, { id }: DeadLetterRow): Promise<void> =>
  void (await database.deadLetter.updateMany({
    where: { id, resolvedAt: null },
    data: { replayEndsAt: new Date(Date.now() + REPLAY_LIMIT_MS) },
  }));

/** It was acknowledged: the stream goes on behind it. */
export async function settleEvent(tx: TransactionClient, { outboxEventId: id }: DeadLetterRow): Promise<void> {
  await tx.$executeRaw`
    WITH ours AS (SELECT stream, sequence FROM outbox_events WHERE id = ${id}::uuid)
    UPDATE streams SET last_published = greatest(last_published, ours.sequence), blocked_by = NULL, blocked_reason = NULL
    FROM ours WHERE streams.stream = ours.stream AND (blocked_by IS NULL OR blocked_by = ${id}::uuid)`;
  await tx.$executeRaw`
    UPDATE outbox_events SET published_at = clock_timestamp() WHERE id = ${id}::uuid AND published_at IS NULL`;
}

/** Puts EventWithheld in its place, and lets the stream go on. */
export async function withholdEvent(
  tx: TransactionClient,
  deadLetter: DeadLetterRow,
  { reason, decisionId, operator: actor }: DecisionCommand,
  wire: WireSettings,
): Promise<void> {
  const { type, headers, stream } = await lockWaiting(tx, deadLetter);
  if (type === WITHHELD) throw standsForAnother();
  const id = uuidv7();
  const context = { id, time: new Date().toISOString(), causationId: decisionId, actor, ...traced() };
  const data = schemaOf(eventWithheld.schema).parse({
    withheldId: deadLetter.outboxEventId,
    withheldType: type,
    reason,
  });
  await tx.outboxEvent.update({
    where: { id: deadLetter.outboxEventId ?? '' },
    data: {
      id,
      type: WITHHELD,
      headers: JSON.stringify(withheldHeaders(JSON.parse(headers) as Record<string, string>, context, wire)),
      value: JSON.stringify(data),
    },
  });
  await tx.stream.updateMany({
    where: { stream, blockedBy: deadLetter.outboxEventId },
    data: { blockedBy: null, blockedReason: null },
  });
}

/** Gives the event another payload, under its id, key and sequence; the stream goes on waiting. */
export async function editEvent(tx: TransactionClient, deadLetter: DeadLetterRow, payload: string): Promise<void> {
  const { id } = await lockWaiting(tx, deadLetter);
  await tx.outboxEvent.update({ where: { id }, data: { value: payload } });
}

const WITHHELD = eventType(eventWithheld);

const standsForAnother = (): DecisionRefused =>
  new DecisionRefused('An EventWithheld names another event and stays as it is. Mend the cause, and use replay.');

/**
 * The event, its stream locked until the transaction ends. Throws when the stream does not wait for it, or a replay may
 * be on its way.
 */
async function lockWaiting(tx: TransactionClient, deadLetter: DeadLetterRow): Promise<BlockedEvent> {
  const { replayEndsAt } = deadLetter;
  if (replayEndsAt !== null && replayEndsAt.getTime() > Date.now())
    throw new DecisionRefused(
      `A replay that was stopped may still be on its way. Try again after ${replayEndsAt.toISOString()}.`,
    );
  const { stream } = await eventOf(tx, deadLetter);
  await tx.$queryRaw`SELECT stream FROM streams WHERE stream = ${stream} FOR UPDATE`;
  const event = await eventOf(tx, deadLetter);
  if (event.publishedAt !== null)
    throw new DecisionRefused(
      'The event is on Kafka after all. Use replay: it is not sent again, and its stream goes on.',
    );
  if (event.blockedBy !== event.id)
    throw new DecisionRefused('Its stream does not wait for it any more: the relay is sending it.');
  return event;
}

/** What a new payload is judged by: a message by who would handle it, an event of ours by its definition. */
export interface Judges {
  inspect: Inspect;
  catalogue: readonly EventDefinition[];
}

/**
 * The payload that is stored when `payload` is put in the dead letter's. A message must be one that can be handled, as
 * far as `inspect` can tell; an event must be as its schema says, and tell what was recorded. Throws DecisionRefused.
 */
export function editedPayload(deadLetter: DeadLetterRow, payload: string, { inspect, catalogue }: Judges): string {
  const data = jsonOf(payload);
  if (deadLetter.direction === 'inbound') {
    const editedValue = new Uint8Array(Buffer.from(payload));
    const refused = inspect(recordOf({ ...deadLetter, editedValue }));
    if (refused) throw payloadRefused(`It would be refused again, with ${refused.reason}: ${refused.detail}`);
    return sized(payload);
  }
  if (deadLetter.type === WITHHELD) throw standsForAnother();
  const event = catalogue.find((one) => eventType(one) === deadLetter.type);
  if (!event) throw payloadRefused(`The catalogue has no event ${deadLetter.type}, so its payload cannot be checked.`);
  checkSchema(event, data);
  const changed = recordedThatDiffers(jsonOf(Buffer.from(deadLetter.value ?? []).toString('utf8')), data);
  if (changed.length > 0)
    throw payloadRefused(
      `What was recorded cannot be edited, only withheld: ${changed.join(', ')}. The texts may change: ${editableTexts.join(', ')}.`,
    );
  return sized(JSON.stringify(data));
}

function sized(payload: string): string {
  const why = tooLarge(payload);
  if (why !== undefined) throw payloadRefused(why);
  return payload;
}

/** Why a payload is larger than an event may be; undefined when it is not. */
export function tooLarge(payload: string): string | undefined {
  const bytes = Buffer.byteLength(payload);
  return bytes > EVENT_BYTES_MAX
    ? `The payload has ${bytes} bytes; an event has ${EVENT_BYTES_MAX} at most.`
    : undefined;
}

function checkSchema({ name, schema }: EventDefinition, data: unknown): void {
  const parsed = schema && schemaOf(schema).safeParse(data);
  if (parsed && !parsed.success) throw payloadRefused(`The payload is no ${name}: ${faultsOf(parsed.error)}`);
}

/** The paths at which two payloads differ, but for the texts that may be edited. */
function recordedThatDiffers(before: unknown, after: unknown, path: readonly string[] = []): string[] {
  if (isEditable(path.at(-1))) return [];
  if (!isObject(before) || !isObject(after)) return before === after ? [] : [path.join('.')];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) => recordedThatDiffers(before[name], after[name], [...path, name]));
}

const isEditable = (name: string | undefined): boolean => (editableTexts as readonly unknown[]).includes(name);

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function jsonOf(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch (error) {
    throw payloadRefused(`The payload is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const payloadRefused = (message: string): DecisionRefused => new DecisionRefused(message, PAYLOAD_REFUSED);
