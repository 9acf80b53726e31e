import type { Database } from '../../platform/database.ts';
import { openDeadLetters } from '../../dead-letters/counts.ts';
import { countReaders } from '../../event-versions/readers.ts';
import { outboxBacklog } from '../../messaging/backlog.ts';
import type { Figures } from './metrics.ts';

export const figuresOf = (database: Database): Figures => ({
  outbox: () => outboxBacklog(database),
  wakeups: () => database.workflowWakeup.count(),
  deadLetters: () => openDeadLetters(database),
  readers: () => countReaders(database),
});
