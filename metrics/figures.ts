import type { Database } from '../platform/database.ts';
import { openDeadLetters } from '../queries/open-dead-letters.ts';
import { outboxBacklog } from '../queries/outbox-backlog.ts';
import type { Figures } from './metrics.ts';

export const figuresOf = (database: Database): Figures => ({
  outbox: () => outboxBacklog(database),
  wakeups: () => database.workflowWakeup.count(),
  deadLetters: () => openDeadLetters(database),
});
