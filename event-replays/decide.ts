/**
 * A person's decision about a replay, as one transaction.
 *
 * Always true:
 * 1. A decision is recorded once, by its id. Carried out again (Temporal retries, and a reset re-applies), it answers
 *    what the replay is and changes nothing.
 * 2. A replay that has ended stays as it is.
 */
import type { ReplayDecision } from '../workflows/contract/event-replay.ts';
import type { Database } from '../platform/database.ts';
import { type ReplayStatus, isOpenReplay, statusAfter } from './replay.ts';
import { type ReplayRow, replayById } from './rows.ts';

export type DecidedReplay =
  | { kind: 'decided'; replay: ReplayRow }
  /** It does not fit what the replay is. */
  | { kind: 'refused'; replay: ReplayRow }
  | { kind: 'not_found' };

export const decideReplay = (
  database: Database,
  { replayId, decisionId, action, actor, reason }: ReplayDecision,
): Promise<DecidedReplay> =>
  database.$transaction(async (tx): Promise<DecidedReplay> => {
    await tx.$executeRaw`SELECT FROM event_replays WHERE id = ${replayId}::uuid FOR UPDATE`;
    const replay = await replayById(tx, replayId);
    if (!replay) return { kind: 'not_found' };
    const known = await tx.eventReplayDecision.count({ where: { replayId, decisionId } });
    if (known > 0) return { kind: 'decided', replay };
    const status = statusAfter(replay.status as ReplayStatus, action);
    if (!status) return { kind: 'refused', replay };
    const at = new Date();
    await tx.eventReplayDecision.create({ data: { replayId, decisionId, action, actor, reason, at } });
    const data = { status, endedAt: isOpenReplay(status) ? null : at };
    return { kind: 'decided', replay: await tx.eventReplay.update({ where: { id: replayId }, data }) };
  });
