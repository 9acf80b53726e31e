import { defineConfig } from 'vitest/config';
import { lanes } from './test/support/lanes.ts';
import { atMost } from './test/support/speed.ts';

/** Without servers. The other folders need some. */
const pure = [
  'values',
  'commands',
  'messaging',
  'invoices',
  'cashiers',
  'dead-letters',
  'billing-runs',
  'event-versions',
  'import',
  'pure',
].map((folder) => `test/${folder}/**/*.test.ts`);

/** Longer than the waits in a test together: those say what they waited for. */
const limits = { testTimeout: atMost(120_000), hookTimeout: atMost(120_000) };

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'pure', include: pure, testTimeout: atMost(20_000), sequence: { groupOrder: 0 } } },
      {
        test: {
          name: 'real',
          include: ['test/**/*.test.ts'],
          exclude: [...pure, 'test/replay/**'],
          // One file at a time in each lane: it stops and kills the servers that it has there.
          maxWorkers: Math.max(1, lanes.length),
          setupFiles: ['test/support/lane.ts'],
          ...limits,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // Last: it replays the histories that the others have left behind.
        test: {
          name: 'replay',
          include: ['test/replay/**/*.test.ts'],
          setupFiles: ['test/support/lane.ts'],
          ...limits,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
