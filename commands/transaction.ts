/**
 * The transaction of commands: the one way in which anything changes, whoever asks: an invoice's workflow (one command
 * at a time), a billing run (many at once), a REST request about a cashier.
 *
 * Always true:
 * 1. All or nothing: command keys, entities, payments, outbox, audit are one commit.
 * 2. The first statement takes the keys and locks the entities. A concurrent twin waits there and then finds the
 *    answer, so a command takes effect once, however often it is sent, retried or re-applied by a reset.
 * 3. No statement fails on purpose: a violated constraint would end the transaction.
 * 4. Locks are taken in this order everywhere: command keys, entities by id, streams by name, the number counter.
 * 5. A refused command leaves nothing but its refusal, under its attempt: Temporal re-applies accepted updates after a
 *    reset, and the caller has been told the refusal.
 */
import type { CommandHead, Decision } from '../domain/decision.ts';
import type { DomainEvent } from '../domain/domain-events.ts';
import { type Refusal, refusal } from '../domain/errors.ts';
import type { Invoice } from '../domain/invoice.ts';
import type { Cashier } from '../domain/cashier.ts';
import { NO_AUDIT, type AuditHead } from '../events/audit.ts';
import type { WireSettings } from '../events/cloud-event.ts';
import { takeSequences } from '../events/outbox.ts';
import {
  type Reactions,
  type Rows,
  factIds,
  reactions as allReactions,
  reactionsTo,
  rowsOf,
  streamsOf,
} from '../events/reactions.ts';
import {
  type Database,
  TRANSACTION_WAIT_MS,
  type TransactionClient,
  violatedConstraint,
} from '../platform/database.ts';
import { faultPoint } from '../platform/fault-points.ts';
import { type Sql, sql, sqlJoin } from '../queries/sql.ts';
import type { Change, EntityKind } from './entity-kinds.ts';

export interface TransactionDeps {
  database: Database;
  wire: WireSettings;
  /** Called after a commit: there is something to publish. */
  nudge: () => void;
  /** How long to wait for a connection; as long as a local activity may, when absent. */
  waitMs?: number;
  /** What follows from a domain event; the table of events/reactions.ts but in tests. */
  reactions?: Reactions;
}

/** What a kind of command means, and what it needs. */
export interface Plan<State, Event extends DomainEvent, Command extends CommandHead, Facts, Answer> {
  kind: EntityKind<State, Event>;
  /** As the audit trail and the Web UI name it. */
  step: string;
  entityId: (command: Command) => string;
  /** What the decision needs beside the entity, read after it was locked. */
  readFacts?: (tx: TransactionClient, command: Command, state: State | null) => Promise<Facts>;
  decide: (state: State | null, command: Command, facts: Facts) => Decision<State, Event>;
  /** The last lock: completes the accepted entities with what only the database can give (numbers). */
  complete?: (tx: TransactionClient, states: State[], commands: Command[]) => Promise<State[]>;
  /** What the caller is told, and told again whenever the key comes again. JSON. */
  answer: (state: State, command: Command) => Answer;
  /** Rows of one's own, in the same commit. */
  also?: (tx: TransactionClient, outcomes: readonly Outcome<State, Event, Answer>[]) => Promise<void>;
}

export type Outcome<State, Event, Answer> =
  | { kind: 'done'; answer: Answer; state: State; event: Event }
  /** Carried out before: what was answered then. */
  | { kind: 'replayed'; answer: Answer }
  | { kind: 'refused'; refusal: Refusal };

type AnyState = Invoice | Cashier;
/** Inside this file the kinds of plans are not told apart. */
type AnyPlan = Plan<AnyState, DomainEvent, CommandHead, unknown, unknown>;
type AnyOutcome = Outcome<AnyState, DomainEvent, unknown>;

interface Opened {
  command: CommandHead;
  /** false: the key was taken before, the command has been carried out. */
  claimed: boolean;
  /** What this attempt, or a newer one of the same command, was refused with. */
  told: Refusal | null;
  state: AnyState | null;
  auditHead: AuditHead;
}
type Decided = Opened & (Decision<AnyState, DomainEvent> | { kind: 'known'; answer: string });

/**
 * Carries commands out, each once. Rejects when the database failed or a reaction threw: nothing was changed then
 * (see platform/database.ts for what may be tried again).
 */
export async function carryOut<State extends AnyState, Event extends DomainEvent, Command extends CommandHead, F, A>(
  deps: TransactionDeps,
  typedPlan: Plan<State, Event, Command, F, A>,
  commands: readonly Command[],
): Promise<Outcome<State, Event, A>[]> {
  const plan = typedPlan as unknown as AnyPlan;
  try {
    const outcomes = await deps.database.$transaction((tx) => inTransaction(deps, plan, tx, commands), {
      maxWait: deps.waitMs ?? TRANSACTION_WAIT_MS,
    });
    faultPoint('after-commit');
    if (outcomes.some(({ kind }) => kind === 'done')) deps.nudge();
    return outcomes as Outcome<State, Event, A>[];
  } catch (error) {
    const because = plan.kind.refusalOf(violatedConstraint(error) ?? '');
    const [command] = commands;
    if (!because || !command || commands.length > 1) throw error;
    await keepRefusals(deps.database, plan, [{ command, refusal: because, claimed: false }]);
    return [{ kind: 'refused', refusal: because }];
  }
}

async function inTransaction(
  { wire, reactions = allReactions }: TransactionDeps,
  plan: AnyPlan,
  tx: TransactionClient,
  commands: readonly CommandHead[],
): Promise<AnyOutcome[]> {
  const decided: Decided[] = [];
  for (const opened of await open(tx, plan, commands))
    decided.push({ ...opened, ...(await decideOne(tx, plan, reactions, opened)) });
  const accepted = decided.filter((one) => one.kind === 'accepted');
  const nextSequence = await takeSequences(
    tx,
    accepted.flatMap(({ event, state }) => streamsOf(reactions, event, factIds({ state }), wire.environment)),
  );
  const done = await completed(tx, plan, accepted);
  const recordedAt = new Date().toISOString();
  const changes = done.map((one) => {
    const { state, event, command, auditHead } = one;
    const occurrence = { event, state, step: plan.step, command, auditHead, recordedAt, nextSequence, wire };
    return { ...one, rows: rowsOf(reactions, occurrence) };
  });
  const outcomes = decided.map((one) => outcomeOf(plan, one, done[accepted.indexOf(one as (typeof accepted)[number])]));
  const answers = decided.flatMap(({ kind, command }, index) => {
    const outcome = outcomes[index];
    if (kind === 'known' || !outcome || outcome.kind === 'refused') return [];
    const { tenantId, key } = command;
    return [{ tenant_id: tenantId, command_key: key, answer: JSON.stringify(outcome.answer) }];
  });
  if (answers.length > 0) await write(tx, plan.kind, changes, answers);
  await keepRefusals(
    tx,
    plan,
    decided.flatMap((one) =>
      one.kind === 'refused' ? [{ command: one.command, refusal: one.refusal, claimed: one.claimed }] : [],
    ),
  );
  await plan.also?.(tx, outcomes);
  faultPoint('before-commit');
  return outcomes;
}

/** What came of a command; `whole` is the entity with what the last lock has added. */
function outcomeOf(plan: AnyPlan, decided: Decided, whole: { state: AnyState } | undefined): AnyOutcome {
  const { command } = decided;
  switch (decided.kind) {
    case 'refused':
      return { kind: 'refused', refusal: decided.refusal };
    case 'known':
      return { kind: 'replayed', answer: JSON.parse(decided.answer) as unknown };
    case 'replayed':
      return { kind: 'replayed', answer: plan.answer(decided.state, command) };
    case 'accepted': {
      const { state } = whole ?? decided;
      return { kind: 'done', answer: plan.answer(state, command), state, event: decided.event };
    }
  }
}

type OpenedRow = {
  place: number;
  id: string | null;
  claimed: boolean;
  told: Refusal | null;
  audit_sequence: number;
  audit_hash: string;
};

/** The first statement: takes the commands' keys (or waits for who took them) and locks the entities. */
async function open(tx: TransactionClient, plan: AnyPlan, commands: readonly CommandHead[]): Promise<Opened[]> {
  const wanted = commands.map((command, place) => ({ place, ...commandColumns(plan, command) }));
  const rows = await tx.$queryRaw<OpenedRow[]>`
    WITH wanted AS MATERIALIZED (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb) AS given(place int, tenant_id uuid,
        command_key text, fingerprint text, attempt_id text, entity_id uuid, step text)),
    claim AS (
      INSERT INTO commands (tenant_id, command_key, fingerprint, attempt_id, entity_id, step, recorded_at)
      SELECT tenant_id, command_key, fingerprint, attempt_id, entity_id, step, now() FROM wanted
      ORDER BY tenant_id, command_key
      ON CONFLICT DO NOTHING RETURNING tenant_id, command_key),
    locked AS (${plan.kind.lock})
    SELECT wanted.place, claim.command_key IS NOT NULL AS claimed, locked.*,
      (SELECT jsonb_build_object('code', code, 'detail', detail, 'members', members::jsonb) FROM refusals
       WHERE refusals.tenant_id = wanted.tenant_id AND refusals.command_key = wanted.command_key
         AND refusals.fingerprint = wanted.fingerprint AND refusals.attempt_id >= wanted.attempt_id
       ORDER BY refusals.attempt_id LIMIT 1) AS told
    FROM wanted
    LEFT JOIN claim ON claim.tenant_id = wanted.tenant_id AND claim.command_key = wanted.command_key
    LEFT JOIN locked ON locked.tenant_id = wanted.tenant_id AND locked.id = wanted.entity_id
    ORDER BY wanted.place`;
  const opened: Opened[] = [];
  for (const row of rows) {
    const command = commands[row.place];
    if (!command) throw new TypeError('Opening a step returned a row that nobody asked for.');
    opened.push({
      command,
      claimed: row.claimed,
      told: row.told,
      state: row.id === null ? null : await plan.kind.load(tx, row),
      auditHead: row.id === null ? NO_AUDIT : { sequence: row.audit_sequence, hash: row.audit_hash },
    });
  }
  return opened;
}

function commandColumns(plan: AnyPlan, command: CommandHead) {
  const { tenantId, key, fingerprint, attemptId } = command;
  return {
    tenant_id: tenantId,
    command_key: key,
    fingerprint,
    attempt_id: attemptId,
    entity_id: plan.entityId(command),
    step: plan.step,
  };
}

/** The order of checks begins here: a key that was used, a refusal that was told, then the rules. */
async function decideOne(
  tx: TransactionClient,
  plan: AnyPlan,
  reactions: Reactions,
  { command, claimed, told, state }: Opened,
): Promise<Decision<AnyState, DomainEvent> | { kind: 'known'; answer: string }> {
  if (!claimed) {
    const { tenantId, key } = command;
    const known = await tx.command.findUniqueOrThrow({ where: { tenantId_key: { tenantId, key } } });
    return known.fingerprint === command.fingerprint && known.answer !== null
      ? { kind: 'known', answer: known.answer }
      : { kind: 'refused', refusal: keyReused() };
  }
  if (told) return { kind: 'refused', refusal: told };
  const facts = await plan.readFacts?.(tx, command, state);
  const decision = plan.decide(state, command, facts);
  if (decision.kind !== 'accepted') return decision;
  for (const { refuses } of reactionsTo(reactions, decision.event)) {
    const because = refuses?.(decision.event, decision.state);
    if (because) return { kind: 'refused', refusal: because };
  }
  return decision;
}

export const keyReused = (): Refusal =>
  refusal('idempotency_key_reused', 'The Idempotency-Key was used for another request.');

async function completed<One extends { state: AnyState; command: CommandHead }>(
  tx: TransactionClient,
  plan: AnyPlan,
  accepted: readonly One[],
): Promise<One[]> {
  if (!plan.complete || accepted.length === 0) return [...accepted];
  const states = await plan.complete(
    tx,
    accepted.map(({ state }) => state),
    accepted.map(({ command }) => command),
  );
  return accepted.map((one, index) => ({ ...one, state: states[index] ?? one.state }));
}

interface Answered {
  tenant_id: string;
  command_key: string;
  answer: string;
}

interface Done {
  state: AnyState;
  event: DomainEvent;
  auditHead: AuditHead;
  rows: Rows;
}

const outboxColumns = sql`id, tenant_id, stream, sequence, slot, topic, partition_key, type, headers, value`;
const inserts: Record<keyof Rows, (json: string) => Sql> = {
  payments: (json) => sql`the_payments AS (
    INSERT INTO payments SELECT * FROM jsonb_populate_recordset(NULL::payments, ${json}::jsonb))`,
  cashier_payments: (json) => sql`the_cashier_payments AS (
    INSERT INTO cashier_payments SELECT * FROM jsonb_populate_recordset(NULL::cashier_payments, ${json}::jsonb))`,
  audit_entries: (json) => sql`the_audit AS (
    INSERT INTO audit_entries SELECT * FROM jsonb_populate_recordset(NULL::audit_entries, ${json}::jsonb))`,
  outbox_events: (json) => sql`the_events AS (
    INSERT INTO outbox_events (${outboxColumns})
    SELECT ${outboxColumns} FROM jsonb_populate_recordset(NULL::outbox_events, ${json}::jsonb))`,
};

/** Everything that steps write, in one statement: round trips, not the work of Postgres, are most of a step's time. */
async function write(
  tx: TransactionClient,
  kind: EntityKind<AnyState, DomainEvent>,
  done: readonly Done[],
  answers: readonly Answered[],
): Promise<void> {
  const changes = done.map(({ state, event, auditHead, rows }): Change<AnyState, DomainEvent> => {
    const last = rows.audit_entries.at(-1);
    return { state, event, audit: last ? { sequence: last.sequence, hash: last.hash } : auditHead };
  });
  const parts = [
    ...(changes.length > 0 ? kind.write(changes) : []),
    ...(Object.keys(inserts) as (keyof Rows)[]).flatMap((table) => {
      const rows: unknown[] = done.flatMap((one): unknown[] => one.rows[table]);
      return rows.length > 0 ? [inserts[table](JSON.stringify(rows))] : [];
    }),
    sql`answers AS (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(answers)}::jsonb)
        AS given(tenant_id uuid, command_key text, answer text))`,
  ];
  await tx.$executeRaw`
    WITH ${sqlJoin(parts, ', ')}
    UPDATE commands SET answer = answers.answer FROM answers
    WHERE commands.tenant_id = answers.tenant_id AND commands.command_key = answers.command_key`;
}

/** Keeps refusals under their attempts, and gives back the keys: a new attempt is decided afresh (INV-06). */
async function keepRefusals(
  database: Database | TransactionClient,
  plan: AnyPlan,
  refused: readonly { command: CommandHead; refusal: Refusal; claimed: boolean }[],
): Promise<void> {
  if (refused.length === 0) return;
  const rows = refused.map(({ command, refusal: { code, detail, members }, claimed }) => ({
    ...commandColumns(plan, command),
    code,
    detail,
    members: JSON.stringify(members),
    claimed,
  }));
  await database.$executeRaw`
    WITH given AS (
      SELECT * FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS given(tenant_id uuid, command_key text,
        fingerprint text, attempt_id text, entity_id uuid, code text, detail text, members text, claimed boolean)),
    released AS (
      DELETE FROM commands USING given WHERE given.claimed
        AND commands.tenant_id = given.tenant_id AND commands.command_key = given.command_key)
    INSERT INTO refusals
      (tenant_id, command_key, attempt_id, fingerprint, entity_id, code, detail, members, recorded_at)
    SELECT tenant_id, command_key, attempt_id, fingerprint, entity_id, code, detail, members, now() FROM given
    ON CONFLICT DO NOTHING`;
}
