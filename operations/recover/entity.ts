/** One entity: its lost steps read from their events, and written as the transaction of commands would have. */
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { addEntries } from '../../commands/audit-entries.ts';
import { type AuditHead, type AuditRow, NO_AUDIT, auditRow } from '../../commands/audit.ts';
import type { Occurrence, Rows } from '../../commands/command.ts';
import type { CommandHead, EntityState } from '../../commands/decision.ts';
import { recordsOf } from '../../commands/records.ts';
import { RECOVERED } from '../../commands/recovered.ts';
import { writeCommands } from '../../commands/transaction-rows.ts';
import { slotOf } from '../../commands/outbox.ts';
import type { WireSettings } from '../../messaging/cloud-event.ts';
import type { Database, TransactionClient } from '../../platform/database.ts';
import { queryRows } from '../../platform/rows.ts';
import { type ReadStep, type RecoverableKind, type RecoverableStep, Unreadable } from './kind.ts';
import type { LostEvent } from './lost.ts';

/** Everything of one entity that is lost, of all its streams. */
export interface LostEntity {
  kind: RecoverableKind;
  tenantId: string;
  id: string;
  /** Those that tell of a step, in their order. */
  steps: readonly LostEvent[];
  /** All of them. */
  events: readonly LostEvent[];
}

export interface RecoveredStep extends ReadStep {
  event: LostEvent;
  definition: RecoverableStep['definition'];
}

/** An entity as Postgres has it. */
interface Stored {
  state: EntityState | null;
  auditHead: AuditHead;
}

const storedRow = z.looseObject({ audit_sequence: z.int(), audit_hash: z.string() });

/** Locks it until the transaction ends. */
export async function loadStored(
  database: Database | TransactionClient,
  { kind: { entity }, tenantId, id }: Pick<LostEntity, 'kind' | 'tenantId' | 'id'>,
): Promise<Stored> {
  const [row] = await queryRows(database, storedRow)`
    WITH wanted AS (SELECT ${tenantId}::uuid AS tenant_id, ${id}::uuid AS entity_id) ${entity.lock}`;
  if (!row) return { state: null, auditHead: NO_AUDIT };
  return {
    state: await entity.load(database, row),
    auditHead: { sequence: row.audit_sequence, hash: row.audit_hash },
  };
}

/** The steps, one after the other. Throws an Unreadable when one does not follow on what was before. */
export function readSteps({ kind, steps }: LostEntity, before: EntityState | null): RecoveredStep[] {
  let state = before;
  return steps.map((event) => {
    const step = kind.steps.get(event.type);
    if (!step) throw new Unreadable(`is told nothing by ${event.type} at ${event.place}`);
    const read = readOne(step, state, event);
    state = read.removed ? null : read.state;
    return { ...read, event, definition: step.definition };
  });
}

function readOne(step: RecoverableStep, before: EntityState | null, event: LostEvent): ReadStep {
  try {
    return step.read(before, JSON.parse(event.value) as Record<string, unknown>, event);
  } catch (error) {
    if (error instanceof Unreadable) throw new Unreadable(`${error.message} (${event.place})`);
    if (error instanceof SyntaxError) throw new Unreadable(`is told by what is no JSON (${event.place})`);
    throw error;
  }
}

/** Who did it is known since events say so; what they do not say is marked. */
const NOT_KNOWN = 'unknown';

const commandOf = (
  { kind: { idName }, tenantId, id }: LostEntity,
  { event, body, acceptedAt }: RecoveredStep,
): CommandHead =>
  ({
    tenantId,
    [idName]: id,
    key: event.commandKey,
    fingerprint: RECOVERED,
    attemptId: RECOVERED,
    acceptedAt,
    actor: event.actor ?? NOT_KNOWN,
    body,
    expectedVersion: null,
  }) as CommandHead;

const reasonOf = ({ reason, event: { place } }: RecoveredStep): string =>
  `${reason === null ? 'R' : `${reason} (r`}ecovered from ${place}${reason === null ? '' : ')'}`;

interface Written {
  before: EntityState | null;
  audit: AuditRow;
  rows: Rows;
  answer: string;
  command: CommandHead;
}

/** The records of each step, with its entry in the chain. */
function recordsOfSteps(
  entity: LostEntity,
  steps: readonly RecoveredStep[],
  { state: first, auditHead: head }: Stored,
): Written[] {
  const { type, status } = entity.kind.entity;
  let last = head;
  return steps.map((step, index) => {
    const { state, definition } = step;
    const command = commandOf(entity, step);
    const audit = auditRow(last, {
      entityType: type,
      state,
      status: status(state),
      action: definition.step,
      command,
      reason: reasonOf(step),
    });
    last = { sequence: audit.sequence, hash: audit.hash };
    const before = steps[index - 1]?.state ?? first;
    const occurrence: Occurrence = { before, state, command, newId: uuidv7 };
    return {
      before,
      audit,
      rows: definition.rows?.(occurrence) ?? {},
      answer: JSON.stringify(definition.answer(state, command)),
      command,
    };
  });
}

function merged(all: readonly Rows[]): Rows {
  const tables = new Map<string, object[]>();
  for (const rows of all)
    for (const [table, some] of Object.entries(rows)) tables.set(table, [...(tables.get(table) ?? []), ...some]);
  return Object.fromEntries(tables);
}

/**
 * Brings the entity back, in one transaction: it, its payments, commands and audit entries, and its events at
 * their places. What was committed with a step and never reached Kafka is told anew.
 */
export async function writeEntity(database: Database, entity: LostEntity, wire: WireSettings): Promise<void> {
  await database.$transaction(async (tx) => {
    const stored = await loadStored(tx, entity);
    const { state: before, auditHead } = stored;
    const steps = readSteps(entity, before);
    await writeEvents(tx, entity.events);
    const [last] = steps.slice(-1);
    if (!last) return;
    const records = recordsOfSteps(entity, steps, stored);
    await writeCommandRows(tx, entity, steps, records);
    if (entity.kind.wakes)
      await tx.$executeRaw`
        INSERT INTO workflow_wakeups (tenant_id, invoice_id) VALUES (${entity.tenantId}::uuid, ${entity.id}::uuid)`;
    await addEntries(
      tx,
      records.slice(0, -1).map(({ audit }) => audit),
    );
    const done = {
      before,
      state: last.state,
      removed: last.removed ?? false,
      auditHead,
      records: {
        rows: merged(records.map(({ rows }) => rows)),
        audit: records.at(-1)?.audit ?? null,
        events: steps.flatMap((step, index) => unsent(entity, step, records[index], auditHead, wire)),
      },
    };
    await writeCommands(tx, entity.kind.entity, [done], []);
  });
}

/** The step's other events that Kafka does not have. */
function unsent(
  { kind, events }: LostEntity,
  { definition, state, reason, event }: RecoveredStep,
  written: Written | undefined,
  auditHead: AuditHead,
  wire: WireSettings,
) {
  if (!written) return [];
  const { before, command } = written;
  const all = recordsOf(definition, { before, state, command, reason, auditHead, recordedAt: event.time, wire }).events;
  const told = new Set(events.filter(({ commandKey }) => commandKey === event.commandKey).map(({ type }) => type));
  return all.filter(({ type }) => !kind.steps.has(type) && !told.has(type));
}

/** At their places, as what they are: published. What was recorded before them in their streams was published before. */
export async function writeEvents(tx: TransactionClient, events: readonly LostEvent[]): Promise<void> {
  const rows = events.map((event) => ({
    id: event.id,
    tenant_id: event.tenantId,
    stream: event.stream,
    sequence: String(event.sequence),
    slot: slotOf(event.partitionKey),
    topic: event.topic,
    partition_key: event.partitionKey,
    type: event.type,
    headers: event.headers,
    value: event.value,
    recorded_at: event.time,
  }));
  await tx.$executeRaw`
    WITH given AS (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS given(id uuid, tenant_id uuid, stream text,
        sequence bigint, slot int, topic text, partition_key text, type text, headers text, value text,
        recorded_at timestamptz)),
    earlier AS (
      UPDATE outbox_events SET published_at = clock_timestamp() FROM given
      WHERE outbox_events.stream = given.stream AND published_at IS NULL),
    streams_of AS (
      INSERT INTO streams (stream, last_sequence, last_published, pruned_through)
      SELECT stream, max(sequence), max(sequence), min(sequence) - 1 FROM given GROUP BY stream ORDER BY stream
      ON CONFLICT (stream) DO UPDATE SET last_sequence = greatest(streams.last_sequence, excluded.last_sequence),
        last_published = greatest(streams.last_published, excluded.last_published))
    INSERT INTO outbox_events (id, tenant_id, stream, sequence, slot, topic, partition_key, type, headers, value,
      recorded_at, published_at)
    SELECT id, tenant_id, stream, sequence, slot, topic, partition_key, type, headers, value, recorded_at,
      clock_timestamp() FROM given ORDER BY recorded_at, stream, sequence
    ON CONFLICT DO NOTHING`;
}

async function writeCommandRows(
  tx: TransactionClient,
  { tenantId, id }: LostEntity,
  steps: readonly RecoveredStep[],
  records: readonly Written[],
): Promise<void> {
  const rows = steps.map(({ definition: { step }, acceptedAt, event }, index) => ({
    tenant_id: tenantId,
    command_key: event.commandKey,
    fingerprint: RECOVERED,
    attempt_id: RECOVERED,
    entity_id: id,
    step,
    answer: records[index]?.answer ?? null,
    recorded_at: acceptedAt,
  }));
  await tx.$executeRaw`
    INSERT INTO commands SELECT * FROM jsonb_populate_recordset(NULL::commands, ${JSON.stringify(rows)}::jsonb)`;
}
