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
 * 5. A stored answer, or refusal, is given to the command that it was given to alone: of the same entity and step, with
 *    the same fingerprint. To any other, the key was used for another request.
 * 6. What is decided, hashed and stored is what Postgres gives back: instants are in UTC, to the millisecond.
 * 7. A refused command leaves nothing but its refusal, under its attempt: Temporal re-applies accepted updates after a
 *    reset, and the caller has been told the refusal.
 */
import { type CommandHead, type Decision, refused } from './decision.ts';
import type { DomainEvent } from './domain-events.ts';
import { type Refusal, refusal } from './refusal.ts';
import type { WireSettings } from '../messaging/cloud-event.ts';
import { takeSequences } from './outbox.ts';
import { type Reactions, factIds, reactions as allReactions, reactionsTo, rowsOf, streamsOf } from './reactions.ts';
import { type Database, type TransactionClient, violatedConstraint } from '../platform/database.ts';
import { faultPoint } from '../platform/fault-points.ts';
import { STAFF } from '../workflows/contract.ts';
import { formerOutcome } from './former-keys.ts';
import type { AnyOutcome, AnyPlan, AnyState, Outcome, Plan } from './command.ts';
import { type Opened, keepRefusals, openCommands, releaseKey, writeSteps } from './transaction-rows.ts';

export interface TransactionDeps {
  database: Database;
  wire: WireSettings;
  /** Called after a commit: there is something to publish. */
  nudge: () => void;
  /** How long to wait for the transaction to begin; as long as a local activity may, when absent. */
  waitMs?: number;
  /** What follows from a domain event; the table of commands/reactions.ts but in tests. */
  reactions?: Reactions;
}

type Decided = Opened & (Decision<AnyState, DomainEvent> | { kind: 'known'; answer: string });

/**
 * Carries commands out, each once. Rejects when the database failed or a reaction threw: nothing was changed then
 * (see platform/database.ts for what may be tried again).
 */
export async function carryOut<State extends AnyState, Event extends DomainEvent, Command extends CommandHead, F, A>(
  deps: TransactionDeps,
  typedPlan: Plan<State, Event, Command, F, A>,
  given: readonly Command[],
): Promise<Outcome<State, Event, A>[]> {
  const plan = typedPlan as unknown as AnyPlan;
  const commands = given.map((command) => ({ ...command, acceptedAt: new Date(command.acceptedAt).toISOString() }));
  try {
    const outcomes = await deps.database.$transaction(
      (tx) => inTransaction(deps, plan, tx, commands),
      deps.waitMs === undefined ? {} : { maxWait: deps.waitMs },
    );
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
  for (const opened of await openCommands(tx, plan, commands))
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
  if (answers.length > 0) await writeSteps(tx, plan.kind, changes, answers);
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

/** The order of checks begins here: a key that was used, a refusal that was told, then the rules. */
async function decideOne(
  tx: TransactionClient,
  plan: AnyPlan,
  reactions: Reactions,
  { command, claimed, told, misused, state }: Opened,
): Promise<Decision<AnyState, DomainEvent> | { kind: 'known'; answer: string }> {
  const subject = { entityId: plan.entityId(command), step: plan.step };
  if (!claimed) {
    const answer = await storedAnswer(tx, command, subject);
    return answer === undefined ? refused(keyReused(command.key)) : { kind: 'known', answer };
  }
  if (misused) return refused(keyReused(command.key));
  if (told) return refused(told);
  const former = await formerOutcome(tx, command, subject);
  if (former?.kind === 'known') await releaseKey(tx, command);
  if (former) return former;
  const facts = await plan.readFacts?.(tx, command, state);
  const decision = plan.decide(state, command, facts);
  if (decision.kind !== 'accepted') return decision;
  for (const { refuses } of reactionsTo(reactions, decision.event)) {
    const because = refuses?.(decision.event, decision.state);
    if (because) return refused(because);
  }
  return decision;
}

/** What this very command was answered with; undefined when its key is another's. */
async function storedAnswer(
  tx: TransactionClient,
  { tenantId, key, fingerprint }: CommandHead,
  { entityId, step }: { entityId: string; step: string },
): Promise<string | undefined> {
  const known = await tx.command.findUniqueOrThrow({ where: { tenantId_key: { tenantId, key } } });
  const isSame = known.fingerprint === fingerprint && known.entityId === entityId && known.step === step;
  return isSame ? (known.answer ?? undefined) : undefined;
}

/** In the words of who chose the key. */
export const keyReused = (key = ''): Refusal =>
  refusal(
    'idempotency_key_reused',
    key.startsWith(STAFF)
      ? 'The Update ID was used for another request at this invoice. Leave it empty, or take another.'
      : 'The Idempotency-Key was used for another request.',
  );

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
