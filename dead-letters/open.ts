/**
 * Messages that could not be handled, and events that the broker refuses for good (messaging/refused-event.ts writes
 * their rows), held until a person decides.
 *
 * Always true:
 * 1. The row is the truth and comes first; then its workflow is started, then the row says so. Whoever opens a dead
 *    dead letter has not done until all three have happened. What a crash left undone, or staff have terminated,
 *    the sweep for missing workflows starts.
 * 2. A message is stored once: by its source and id, or by its place when it has none that can be read. Other bytes
 *    under the same source and id, or at the same place of a topic that was made anew, are another message: stored too,
 *    with its source and id.
 * 3. What a person has decided is never opened again.
 */
import type { Client } from '@temporalio/client';
import { v7 as uuidv7 } from 'uuid';
import type { IncomingRecord, Refused } from '../messaging/event-source.ts';
import type { Database } from '../platform/database.ts';
import type { Logger } from '../platform/logger.ts';
import { type DeadLetterRow, deadLetterById } from './rows.ts';
import { START_LIMIT_MS } from '../commands/start-workflows.ts';
import { startWorkflow } from '../commands/workflow-kind.ts';
import { deadLetterWorkflow } from './workflow.ts';

export interface DeadLetterDeps {
  database: Database;
  client: Client;
  taskQueue: string;
  logger: Logger;
}

/** A message, and what is known of it. */
export interface Message {
  record: IncomingRecord;
  source: string | null;
  eventId: string | null;
  type: string | null;
  /** null: it could not be read, is for all, or the record contradicts itself. */
  tenantId: string | null;
}

/** Keeps a message as it came, with why, and starts its workflow. Rejects when that is to be done again. */
export async function openDeadLetter(deps: DeadLetterDeps, message: Message, refused: Refused): Promise<void> {
  await startWhenMissing(deps, await store(deps, message, refused));
}

/**
 * Starts the workflow of a dead letter whose row was written elsewhere; what fails is left to the sweep for missing
 * workflows.
 */
export async function startSoon(deps: DeadLetterDeps, deadLetterId: string): Promise<void> {
  try {
    const deadLetter = await deadLetterById(deps.database, deadLetterId);
    if (deadLetter) await startWhenMissing(deps, deadLetter);
  } catch (error) {
    deps.logger.warn({ err: error, deadLetterId }, 'the workflow of a dead letter could not be started');
  }
}

/** A dead letter that is decided, or whose workflow was started, is left as it is. */
export async function startWhenMissing(deps: DeadLetterDeps, deadLetter: DeadLetterRow): Promise<void> {
  if (deadLetter.resolvedAt === null && deadLetter.workflowStartedAt === null)
    await startWorkflow(deps, deadLetterWorkflow, deadLetter, Date.now() + START_LIMIT_MS);
}

/** The dead letter of this very message, if it was stored before. */
export async function findDeadLetter(database: Database, message: Message): Promise<DeadLetterRow | null> {
  const { topic, partition, offset } = message.record;
  const { source, eventId } = storableIdentity(message);
  const { tenantId } = message;
  // Not by place, or source and id, alone: whoever reuses them, or claims another tenant's, must not hide a payment.
  const same = await database.deadLetter.findMany({
    where: {
      ...bytesOf(message),
      direction: 'inbound',
      OR: [{ topic, partition, offset }, ...(source && eventId ? [{ source, eventId, tenantId }] : [])],
    },
  });
  const isHere = (row: DeadLetterRow) => row.topic === topic && row.partition === partition && row.offset === offset;
  return same.find(isHere) ?? same[0] ?? null;
}

const bytesOf = ({ record: { key, value } }: Message) => ({
  key: key && new Uint8Array(key),
  value: value && new Uint8Array(value),
});

async function store({ database, logger }: DeadLetterDeps, message: Message, refused: Refused): Promise<DeadLetterRow> {
  const { topic, partition, offset } = message.record;
  const columns = columnsOf(message, refused);
  const { count } = await database.deadLetter.createMany({ data: columns, skipDuplicates: true });
  const { reason, tenantId } = columns;
  if (count > 0)
    logger.warn(
      { topic, partition, offset: String(offset), reason, tenantId },
      'a message was stored as a dead letter',
    );
  const stored = await findDeadLetter(database, message);
  if (!stored)
    throw new Error(`No dead letter could be stored for ${topic}, partition ${partition}, offset ${offset}.`);
  return stored;
}

function columnsOf(message: Message, { reason, detail }: Refused) {
  const { topic, partition, offset, headers } = message.record;
  return {
    ...bytesOf(message),
    id: uuidv7(),
    tenantId: message.tenantId,
    topic,
    partition,
    offset,
    ...storableIdentity(message),
    type: storable(message.type),
    reason,
    detail: storable(detail) ?? '',
    headers: JSON.stringify(headers),
    openedAt: new Date(),
  };
}

/** An index entry has room for so much; a message with a longer source or id is known by its place alone. */
const IDENTITY_LENGTH_MAX = 500;

function storableIdentity({ source, eventId }: Message): { source: string | null; eventId: string | null } {
  const fits = (source?.length ?? 0) <= IDENTITY_LENGTH_MAX && (eventId?.length ?? 0) <= IDENTITY_LENGTH_MAX;
  return fits ? { source: storable(source), eventId: storable(eventId) } : { source: null, eventId: null };
}

/** Postgres keeps no NUL in a text, and UTF-8 no half of a pair. */
const storable = (text: string | null): string | null =>
  text === null ? null : Buffer.from(text).toString('utf8').replaceAll('\0', '');
