/** Which versions of events are published now, for the documents: they are asked for by anybody, Postgres now and then. */
import { initialStage } from '../event-versions/decide.ts';
import type { TopicVersion } from '../event-versions/lines.ts';
import type { Stage } from '../event-versions/stage.ts';
import type { Database } from '../platform/database.ts';
import { createPoll } from '../platform/poll.ts';

/** By topic; a topic of which there is one version is not in it. `sunset` is YYYY-MM-DD. */
export type Stages = ReadonlyMap<string, { stage: Stage; sunset: string | null }>;

const POLL = { limitMs: 1_500, maxAgeMs: 5_000 };

/**
 * Makes what depends on the stages, anew when they have changed. While Postgres does not answer, what was known before
 * is told.
 */
export function createStaged(database: Database, versions: readonly TopicVersion[]) {
  let stages: Stages = new Map(versions.map(({ topic, before }) => [topic, unwritten(before)]));

  async function read(): Promise<Stages> {
    const rows = await database.eventVersion.findMany();
    const written = new Map(rows.map((row) => [row.topic, row]));
    return new Map(
      versions.map(({ topic, before }) => {
        const row = written.get(topic);
        const sunset = row?.sunset?.toISOString().slice(0, 10) ?? null;
        return [topic, row ? { stage: row.stage as Stage, sunset } : unwritten(before)] as const;
      }),
    );
  }

  const look = createPoll(
    read,
    (found: Stages | null) => {
      if (found && JSON.stringify([...found]) !== JSON.stringify([...stages])) stages = found;
    },
    POLL,
  );

  return <T>(make: (stages: Stages) => T): (() => Promise<T>) => {
    let made = { of: stages, value: make(stages) };
    return async () => {
      await look();
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
