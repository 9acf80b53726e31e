/** Why an event is refused whose source and id are another message's: what became of that one, and what to do now. */
import { storedKey } from '../commands/key.ts';
import { discardOf, takenReasons } from './burn-key.ts';
import type { Refused } from '../messaging/event-source.ts';
import type { Database } from '../platform/database.ts';
import { type ReceivedEvent, refused } from '../messaging/handler.ts';
import { cut } from '../messaging/read-cloud-event.ts';

export async function identityTaken(
  database: Database,
  tenantId: string,
  { source, id }: Pick<ReceivedEvent, 'source' | 'id'>,
): Promise<Refused> {
  const named = `with the source ${cut(source)} and the id ${cut(id)}`;
  const discarded = await discardOf(database, tenantId, storedKey('event', source, id));
  if (!discarded) return refused(takenReasons.carriedOut, `Another message ${named} was carried out. ${NEW_ID}`);
  const { resolvedBy, resolvedAt, resolvedReason } = discarded;
  const decision = `${resolvedBy} has discarded it (${resolvedAt?.toISOString()}: ${resolvedReason})`;
  return refused(takenReasons.discarded, `A message ${named} came before, and ${decision}. ${NEW_ID}`);
}

const NEW_ID = 'A source and an id name one message: to be carried out, this one must be sent with a new id.';
