/**
 * Brings back what Postgres lacks after it was restored from a backup, from the events that Kafka has: they carry the
 * whole entity.
 *
 * Always true:
 * 1. Nothing is written while something must be decided by a person, unless he says so; then what is in question is
 *    left as the backup has it.
 * 2. No sequence that is on Kafka is used again, and no public number that Kafka or Temporal knows is given again: also
 *    not those of what is left.
 * 3. Whoever reads the outbox by a cursor is told that it does not count any more.
 * 4. One entity is one transaction. Run again, what was brought back is not lost any more.
 */
import type { Client } from '@temporalio/client';
import type { Database } from '../../platform/database.ts';
import { violatedConstraint } from '../../platform/database.ts';
import type { LogRead, OnRecords } from '../../platform/kafka-log.ts';
import { type WireSettings, eventType, topicOf } from '../../messaging/cloud-event.ts';
import { newAttemptId } from '../../commands/key.ts';
import { decideEventVersion } from '../../event-versions/commands.ts';
import { initialStage } from '../../event-versions/decide.ts';
import { fillWhole } from '../../event-versions/fill.ts';
import { type TopicVersion, mirrored } from '../../event-versions/lines.ts';
import { storedVersion } from '../../event-versions/view.ts';
import { versionedTopics } from '../../registry/event-versions.ts';
import { cashierEvents } from '../../cashiers/events.ts';
import { invoiceEvents } from '../../invoices/events.ts';
import type { Invoice } from '../../invoices/lifecycle.ts';
import { beginEpoch } from './epoch.ts';
import { recoverableCashiers } from './cashiers.ts';
import { type LostEntity, type RecoveredStep, loadStored, readSteps, writeEntity, writeEvents } from './entity.ts';
import { recoverableInvoices } from './invoices.ts';
import { type RecoverableKind, Unreadable } from './kind.ts';
import { type LostEvent, type Problem, findLost, lastSequences } from './lost.ts';
import { Numbers } from './numbers.ts';
import { aheadInTemporal, endOrphans } from './temporal.ts';

export interface RecoverDeps {
  database: Database;
  temporal: Client;
  wire: WireSettings;
  /** Reads Kafka from an instant (epoch ms) on. */
  readLog: (onRecords: OnRecords, sinceMs: number) => Promise<LogRead>;
  /** Lets the consumers read again what came since the instant. */
  rewind: (sinceMs: number) => Promise<void>;
}

export interface RecoverOptions {
  /** Epoch ms: what came to Kafka before it is in the backup. */
  sinceMs: number;
  write: boolean;
  /** Write although a person must decide about some. */
  leave: boolean;
}

export interface Recovery {
  events: number;
  /** Steps by kind and name. */
  steps: Map<string, number>;
  first: string | null;
  last: string | null;
  problems: readonly Problem[];
  written: boolean;
}

const kinds = [
  { kind: recoverableCashiers, events: cashierEvents },
  { kind: recoverableInvoices, events: invoiceEvents },
];

export async function recover(deps: RecoverDeps, { sinceMs, write, leave }: RecoverOptions): Promise<Recovery> {
  const { database, wire } = deps;
  const versions = versionedTopics(wire.environment);
  const later = new Set(versions.flatMap(({ topic, before }) => (before === null ? [] : [topic])));
  const { streams, problems } = await findLost(database, deps.readLog, sinceMs, later);
  const { entities, others } = await byEntity(database, [...streams.values()].flat(), wire.environment);
  const numbers = new Numbers();
  const plan = await planAll(database, entities, numbers);
  problems.push(...plan.problems);
  problems.push(...(await aheadInTemporal(deps, plan.invoices, numbers, sinceMs)));
  problems.push(...(await numbers.problems(database)));
  const isWritten = write && (problems.length === 0 || leave);
  if (isWritten) {
    // First of all: it is refused while a consumer is working.
    await deps.rewind(sinceMs);
    await numbers.raise(database);
    await beginEpoch(database);
    const left = entities.filter((entity) => !plan.steps.has(entity));
    for (const events of [...left.map((entity) => entity.events), others])
      if (events.length > 0) await database.$transaction((tx) => writeEvents(tx, events));
    await writeInTurns(database, inOrder(plan.steps), wire);
    await fillAgain(deps, versions);
    await endOrphans(deps.temporal, database);
  }
  const times = [...streams.values()].flatMap((events) => events.map(({ time }) => time)).toSorted();
  return {
    events: times.length,
    steps: countOf(plan.steps),
    first: times[0] ?? null,
    last: times.at(-1) ?? null,
    problems,
    written: isWritten,
  };
}

/** Versions that are open have the same again: a later one when the service is there, an earlier one now. */
async function fillAgain({ database, wire }: RecoverDeps, versions: readonly TopicVersion[]): Promise<void> {
  const stageOf = async (of: TopicVersion | undefined) =>
    of && ((await storedVersion(database, of.id))?.stage ?? initialStage(of.before));
  for (const of of versions) {
    const stored = await storedVersion(database, of.id);
    if (of.before === null || stored?.stage !== 'open') continue;
    if ((await stageOf(versions.find(({ topic }) => topic === of.before))) !== 'closed')
      await fillWhole(database, mirrored(of), wire, Number.POSITIVE_INFINITY);
    await decideEventVersion(
      { database, wire, versions, notify: () => undefined },
      { action: 'open', of, reason: 'Postgres was restored from a backup.', sunset: null, force: false },
      {
        key: `recover:${of.topic}:${stored.version}`,
        actor: 'npm run recover',
        acceptedAt: new Date().toISOString(),
        attemptId: newAttemptId(),
      },
    );
  }
}

/** The events of each entity, and those that are about none. */
async function byEntity(database: Database, events: readonly LostEvent[], environment: string) {
  const kindOf = new Map(
    kinds.flatMap(({ kind, events: own }) => own.map((event) => [topicOf(event, environment), kind] as const)),
  );
  // Also what stands in a step's place there (EventWithheld).
  const main = new Set(
    kinds.flatMap(({ kind, events: own }) =>
      own.filter((event) => kind.steps.has(eventType(event))).map((event) => topicOf(event, environment)),
    ),
  );
  const entities = new Map<string, { kind: RecoverableKind; events: LostEvent[] }>();
  const others: LostEvent[] = [];
  for (const event of events) {
    const kind = kindOf.get(event.topic);
    if (!kind) {
      others.push(event);
      continue;
    }
    const name = `${kind.idName} ${event.partitionKey}`;
    const entity = entities.get(name) ?? { kind, events: [] };
    entities.set(name, entity);
    entity.events.push(event);
  }
  const toldIn = (partitionKey: string) => [...main].map((topic) => `${topic}|${partitionKey}`);
  const names = [...entities.values()].flatMap(({ events: own }) => toldIn(own[0]?.partitionKey ?? ''));
  const known = await lastSequences(database, names);
  return {
    others,
    entities: [...entities.values()].map(({ kind, events: own }): LostEntity => {
      const [{ partitionKey } = { partitionKey: '' }] = own;
      const [tenantId = '', id = ''] = partitionKey.split('|');
      // What Postgres knows in one version it has carried out, whichever versions lack it.
      const done = toldIn(partitionKey).map((stream) => known.get(stream) ?? 0n);
      const isNew = ({ topic, sequence }: LostEvent) => main.has(topic) && done.every((last) => sequence > last);
      return { kind, tenantId, id, events: own, steps: onceEach(kind, own.filter(isNew)) };
    }),
  };
}

/** Versions of an event have the same sequence and tell the same step: one that tells it, if there is one. */
function onceEach({ steps }: RecoverableKind, events: readonly LostEvent[]): LostEvent[] {
  const bySequence = new Map<bigint, LostEvent>();
  for (const event of events) {
    const other = bySequence.get(event.sequence);
    if (!other || (!steps.has(other.type) && steps.has(event.type))) bySequence.set(event.sequence, event);
  }
  return [...bySequence.values()].toSorted((one, other) => (one.sequence < other.sequence ? -1 : 1));
}

/** What is read from the events before anything is written; an entity with a problem has no steps. */
async function planAll(database: Database, entities: readonly LostEntity[], numbers: Numbers) {
  const steps = new Map<LostEntity, RecoveredStep[]>();
  const invoices = new Map<string, Pick<Invoice, 'status' | 'number'>>();
  const problems: Problem[] = [];
  for (const entity of entities) {
    const about = `${entity.kind.entity.type} ${entity.tenantId}/${entity.id}`;
    try {
      const { state } = await loadStored(database, entity);
      const read = readSteps(entity, state);
      if (read.length === 0 && !state) throw new Unreadable('is told of, but no event carries it');
      steps.set(entity, read);
      const after = read.at(-1)?.state as Invoice | undefined;
      if (after && entity.kind === recoverableInvoices) {
        invoices.set(`${entity.tenantId}/${entity.id}`, after);
        for (const { state: then } of read) numbers.add(entity.tenantId, (then as Invoice).number);
      }
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      problems.push({ about, problem: error.message });
      for (const { value } of entity.events) numbers.add(entity.tenantId, numberOf(value));
    }
  }
  return { steps, invoices, problems };
}

/** Of an event that cannot be read as a step: its number must not be given again all the same. */
function numberOf(value: string): unknown {
  try {
    return (JSON.parse(value) as { invoice?: { number?: unknown } } | null)?.invoice?.number;
  } catch {
    return undefined;
  }
}

/** Invoices name cashiers: those come before, and go after. */
function inOrder(steps: ReadonlyMap<LostEntity, readonly RecoveredStep[]>): LostEntity[] {
  const turn = (entity: LostEntity): number => {
    if (entity.kind === recoverableInvoices) return 1;
    return steps.get(entity)?.at(-1)?.removed ? 2 : 0;
  };
  return [...steps.keys()].toSorted((one, other) => turn(one) - turn(other));
}

/**
 * One may have what another has given up (a cashier's address): it comes after that one. Rejects when nothing goes on.
 */
async function writeInTurns(database: Database, entities: readonly LostEntity[], wire: WireSettings): Promise<void> {
  let left = entities;
  while (left.length > 0) {
    const again: LostEntity[] = [];
    let because: unknown;
    for (const entity of left) {
      try {
        await writeEntity(database, entity, wire);
      } catch (error) {
        if (violatedConstraint(error) === undefined) throw error;
        because = error;
        again.push(entity);
      }
    }
    if (again.length === left.length) throw because;
    left = again;
  }
}

function countOf(steps: ReadonlyMap<LostEntity, readonly RecoveredStep[]>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [{ kind }, some] of steps)
    for (const { definition } of some) {
      const name = `${kind.entity.type} ${definition.step}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  return counts;
}
