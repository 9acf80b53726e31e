/**
 * The real activities without the service: on the run's Postgres, with nothing behind the relay but what a test gives.
 */
import { Client, Connection } from '@temporalio/client';
import { type Activities, type ActivityDeps, createActivities } from '../../activities/index.ts';
import { createLimiter } from '../../commands/limiter.ts';
import type { EventSink } from '../../messaging/event-sink.ts';
import { createNotifier } from '../../messaging/notify.ts';
import type { Database } from '../../platform/database.ts';
import { versionedTopics } from '../../registry/event-versions.ts';
import { createLogger } from '../../platform/logger.ts';
import { catalogue } from '../../registry/catalogue.ts';

const logger = createLogger({ level: 'silent', name: 'test' });

export const testWire = { environment: 'test', publicUrl: 'http://localhost:3000' };

/** Of a sink whose parts nobody asks for. */
export const noParts = { partsOf: async () => new Map<string, never>() };

const nowhere: EventSink = {
  ...noParts,
  send: async () => undefined,
  prepare: async () => undefined,
  close: async () => undefined,
};

/** Without a `send` of its own, nothing can be sent to a workflow. */
export const testActivities = (database: Database, changes: Partial<ActivityDeps> = {}): Activities =>
  createActivities({
    database,
    logger,
    wire: testWire,
    notifier: createNotifier(),
    shards: 1,
    wakeupsPerSecond: 100,
    stopping: new AbortController().signal,
    sink: nowhere,
    replaySink: nowhere,
    catalogue,
    openSink: () => nowhere,
    deliver: async () => ({ kind: 'done' }),
    inspect: () => null,
    overdueAfterMs: undefined,
    eventsKeptDays: 90,
    versions: versionedTopics(testWire.environment),
    readingGroups: async () => [],
    send: {
      client: new Client({ connection: Connection.lazy() }),
      taskQueue: 'none',
      limiter: createLimiter(),
      logger,
    },
    ...changes,
  });
