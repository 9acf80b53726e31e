/** Which versions of events are published now, for the documents: they are asked for by anybody, Postgres now and then. */
import pTimeout from 'p-timeout';
import { initialStage } from '../event-versions/decide.ts';
import type { TopicVersion } from '../event-versions/lines.ts';
import type { Stage } from '../event-versions/stage.ts';
import type { Database } from '../platform/database.ts';

/** By topic; a topic of which there is one version is not in it. `sunset` is YYYY-MM-DD. */
export type Stages = ReadonlyMap<string, { stage: Stage; sunset: string | null }>;

const KEPT_MS = 5_000;
const LIMIT_MS = 1_500;

/**
 * Makes what depends on the stages, anew when they have changed. Postgres is asked every few seconds at most; while it
 * does not answer, what was known before is told.
 */
export function createStaged(database: Database, versions: readonly TopicVersion[]) {
  let stages: Stages = new Map(versions.map(({ topic, before }) => [topic, unwritten(before)]));
  let freshUntil = 0;
  let reading: Promise<void> | undefined;

  async function read(): Promise<void> {
    try {
      const rows = await database.eventVersion.findMany();
      const written = new Map(rows.map((row) => [row.topic, row]));
      const entries = versions.map(({ topic, before }) => {
        const row = written.get(topic);
        const sunset = row?.sunset?.toISOString().slice(0, 10) ?? null;
        return [topic, row ? { stage: row.stage as Stage, sunset } : unwritten(before)] as const;
      });
      if (JSON.stringify(entries) !== JSON.stringify([...stages])) stages = new Map(entries);
    } catch {
      // What was known before is told.
    }
    freshUntil = performance.now() + KEPT_MS;
    reading = undefined;
  }

  return <T>(make: (stages: Stages) => T): (() => Promise<T>) => {
    let made = { of: stages, value: make(stages) };
    return async () => {
      if (performance.now() >= freshUntil) reading ??= read();
      if (reading) await pTimeout(reading, { milliseconds: LIMIT_MS, fallback: () => undefined });
      if (made.of !== stages) made = { of: stages, value: make(stages) };
      return made.value;
    };
  };
}

const unwritten = (before: string | null) => ({ stage: initialStage(before), sunset: null });

/** undefined for a topic of which there is one version. */
export function stageInWords(stages: Stages, topic: string): string | undefined {
  const known = stages.get(topic);
  if (!known) return undefined;
  switch (known.stage) {
    case 'planned':
      return 'Nothing is published here yet.';
    case 'open':
      return 'Published.';
    case 'deprecated':
      return `Published through ${known.sunset ?? 'a day to be named'}: read the next version.`;
    case 'closed':
      return 'Nothing more is published here: read the next version.';
  }
}
