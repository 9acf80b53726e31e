/**
 * The transaction of commands: the one way in which anything changes, whoever asks: an invoice's workflow (one command
 * at a time), a billing run (many at once), a REST request about a cashier.
 *
 * Always true:
 * 1. All or nothing: command keys, entities, payments, outbox, audit are one commit.
 * 2. The first statement takes the keys and locks the entities. A concurrent twin waits there and then finds the
 *    answer, so a command takes effect once, however often it is sent, retried or re-applied by a reset.
 * 3. No statement fails on purpose: a violated constraint would end the transaction.
 * 4. Locks are taken in this order everywhere: command keys, entities by id, the number counter, streams by name.
 * 5. A stored answer, or refusal, is given to the command that it was given to alone: of the same entity and step, with
 *    the same fingerprint. To any other, the key was used for another request.
 * 6. What is decided, hashed and stored is what Postgres gives back: instants are in UTC, to the millisecond.
 * 7. A refused command leaves nothing but its refusal, under its attempt: Temporal re-applies accepted updates after a
 *    reset, and the caller has been told the refusal.
 */
import type { WireSettings } from '../messaging/cloud-event.ts';
import { type Database, type TransactionClient, violatedConstraint } from '../platform/database.ts';
import { faultPoint } from '../platform/fault-points.ts';
import { SpanKind, inSpan } from '../platform/tracing.ts';
import { STAFF } from './staff-key.ts';
import type { AnyCommandDefinition, AnyOutcome, CommandDefinition, Outcome } from './command.ts';
import { type Accepted, type CommandHead, type Decision, type EntityState, refused } from './decision.ts';
import { formerOutcome } from './former-keys.ts';
import { recordsOf } from './records.ts';
import { type Refusal, keyReused } from './refusal.ts';
import {
  type Done,
  type Loaded,
  lockAndLoad,
  releaseKey,
  storeRefusals,
  storedAnswers,
  writeCommands,
} from './transaction-rows.ts';

export interface TransactionDeps {
  database: Database;
  wire: WireSettings;
  /** Called after a commit: there is something to publish. */
  notify: () => void;
  /** How long to wait for the transaction to begin; as long as a local activity may, when absent. */
  waitMs?: number;
}

interface Decided {
  loaded: Loaded;
  decision: Decision<EntityState> | { kind: 'known'; answer: string };
}

interface AcceptedCommand {
  loaded: Loaded;
  decision: Accepted<EntityState>;
}

const isAccepted = (one: Decided): one is AcceptedCommand => one.decision.kind === 'accepted';

/**
 * Carries commands out, each once. Rejects when the database failed or a record could not be made: nothing was changed
 * then (see platform/database.ts for what may be tried again).
 */
export async function carryOut<State extends EntityState, Command extends CommandHead, L, A>(
  deps: TransactionDeps,
  typed: CommandDefinition<State, Command, L, A>,
  given: readonly Command[],
): Promise<Outcome<State, A>[]> {
  const definition = typed as unknown as AnyCommandDefinition;
  const commands = given.map((command) => ({ ...command, acceptedAt: new Date(command.acceptedAt).toISOString() }));
  const [first] = commands;
  const attributes = {
    'billing.commands': commands.length,
    ...(first && commands.length === 1 ? { 'billing.command_key': first.key } : {}),
  };
  const span = { kind: SpanKind.CLIENT, attributes: { ...attributes, 'db.system.name': 'postgresql' } };
  const outcomes = await inSpan(`transaction ${definition.entity.type} ${definition.step}`, span, () =>
    inOneCommit(deps, definition, commands),
  );
  return outcomes as Outcome<State, A>[];
}

async function inOneCommit(
  deps: TransactionDeps,
  definition: AnyCommandDefinition,
  commands: readonly CommandHead[],
): Promise<AnyOutcome[]> {
  try {
    const outcomes = await deps.database.$transaction(
      (tx) => inTransaction(deps, definition, tx, commands),
      deps.waitMs === undefined ? {} : { maxWait: deps.waitMs },
    );
    faultPoint('after-commit');
    if (outcomes.some(({ kind }) => kind === 'done')) deps.notify();
    return outcomes;
  } catch (error) {
    const because = definition.entity.refusalOf(violatedConstraint(error) ?? '');
    const [command] = commands;
    if (!because || !command || commands.length > 1) throw error;
    await storeRefusals(deps.database, definition, [{ command, refusal: because, isNew: false }]);
    return [{ kind: 'refused', refusal: because }];
  }
}

async function inTransaction(
  { wire }: TransactionDeps,
  definition: AnyCommandDefinition,
  tx: TransactionClient,
  commands: readonly CommandHead[],
): Promise<AnyOutcome[]> {
  const decided: Decided[] = [];
  const all = await lockAndLoad(tx, definition, commands);
  const known = await storedAnswers(tx, definition, all);
  for (const loaded of all) decided.push(await decideOne(tx, definition, loaded, known));
  const accepted = decided.filter(isAccepted);
  const states = await completed(tx, definition, accepted);
  const whole = new Map<Decided, EntityState>(accepted.map((one, index) => [one, states[index] ?? one.decision.state]));
  const recordedAt = new Date().toISOString();
  const done = accepted.map((one): Done => {
    const { loaded, decision } = one;
    const state = whole.get(one) ?? decision.state;
    const { command, auditHead } = loaded;
    const recording = { before: loaded.state, state, command, reason: decision.reason, auditHead, recordedAt, wire };
    return {
      before: loaded.state,
      state,
      removed: decision.removed ?? false,
      auditHead,
      records: recordsOf(definition, recording),
    };
  });
  const outcomes = decided.map((one) => outcomeOf(definition, one, whole.get(one)));
  const answers = decided.flatMap(({ loaded: { command }, decision }, index) => {
    const outcome = outcomes[index];
    if (decision.kind === 'known' || !outcome || outcome.kind === 'refused') return [];
    return [{ tenant_id: command.tenantId, command_key: command.key, answer: JSON.stringify(outcome.answer) }];
  });
  const refusals = decided.flatMap(({ loaded: { command, isNew }, decision }) =>
    decision.kind === 'refused' ? [{ command, refusal: decision.refusal, isNew }] : [],
  );
  await storeRefusals(tx, definition, refusals);
  await definition.also?.(tx, outcomes);
  faultPoint('before-commit');
  if (answers.length > 0) await writeCommands(tx, definition.entity, done, answers);
  return outcomes;
}

/** What came of a command; `whole` is the entity with what the database has given it. */
function outcomeOf(
  definition: AnyCommandDefinition,
  { loaded: { command }, decision }: Decided,
  whole: EntityState | undefined,
): AnyOutcome {
  switch (decision.kind) {
    case 'refused':
      return { kind: 'refused', refusal: decision.refusal };
    case 'known':
      return { kind: 'replayed', answer: JSON.parse(decision.answer) as unknown };
    case 'replayed':
      return { kind: 'replayed', answer: definition.answer(decision.state, command) };
    case 'accepted': {
      const state = whole ?? decision.state;
      return { kind: 'done', answer: definition.answer(state, command), state, reason: decision.reason };
    }
  }
}

/** The order of checks begins here: a key that was used, a refusal that was recorded, then the rules. */
async function decideOne(
  tx: TransactionClient,
  definition: AnyCommandDefinition,
  loaded: Loaded,
  known: ReadonlyMap<CommandHead, string>,
): Promise<Decided> {
  const { command, isNew, previousRefusal, isMisused, state } = loaded;
  const subject = { entityId: definition.entityId(command), step: definition.step };
  if (!isNew) {
    const answer = known.get(command);
    return { loaded, decision: answer === undefined ? refused(reused(command.key)) : { kind: 'known', answer } };
  }
  if (isMisused) return { loaded, decision: refused(reused(command.key)) };
  if (previousRefusal) return { loaded, decision: refused(previousRefusal) };
  const former = await formerOutcome(tx, command, subject);
  if (former?.kind === 'known') await releaseKey(tx, command);
  if (former) return { loaded, decision: former };
  const parsed = definition.parse?.(command, state) ?? command;
  if ('refusal' in parsed) return { loaded, decision: refused(parsed.refusal) };
  const lookups = await definition.lookUp?.(tx, parsed, state);
  return { loaded: { ...loaded, command: parsed }, decision: definition.decide(state, parsed, lookups) };
}

/** In the words of who chose the key. */
const reused = (key: string): Refusal =>
  key.startsWith(STAFF)
    ? keyReused('The Update ID was used for another request here. Leave it empty, or take another.')
    : keyReused();

/** The accepted entities, in their order, with what only the database can give. */
async function completed(
  tx: TransactionClient,
  { complete }: AnyCommandDefinition,
  accepted: readonly AcceptedCommand[],
): Promise<EntityState[]> {
  const states = accepted.map(({ decision: { state } }) => state);
  if (!complete || states.length === 0) return states;
  return complete(
    tx,
    states,
    accepted.map(({ loaded: { command } }) => command),
  );
}
