/** The members of an event version: a topic, and how far it is in its life. Here they stand once. */
import { type Members, type StateOf, date, instant, int, nullable, text } from '../commands/members.ts';
import type { Stage } from './stage.ts';

export const eventVersionMembers = {
  tenantId: { column: text, fixed: true },
  id: { column: text, fixed: true },
  topic: { column: text, fixed: true },
  stage: { column: text },
  filledAt: { column: nullable(instant), initial: null },
  sunset: { column: nullable(date), initial: null },
  version: { column: int, initial: 0 },
  createdAt: { column: instant, fixed: true },
  updatedAt: { column: instant },
} as const satisfies Members;

export interface EventVersion extends Omit<StateOf<typeof eventVersionMembers>, 'stage'> {
  stage: Stage;
}
