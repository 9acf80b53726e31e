import { defineConfig } from 'vitest/config';
import { lanes } from './test/support/lanes.ts';

const pure = [
  'test/domain/**/*.test.ts',
  'test/events/**/*.test.ts',
  'test/commands/**/*.test.ts',
  'test/import/**/*.test.ts',
  'test/pure/**/*.test.ts',
];

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'pure', include: pure, sequence: { groupOrder: 0 } } },
      {
        test: {
          name: 'real',
          include: ['test/**/*.test.ts'],
          exclude: [...pure, 'test/replay/**'],
          // One file at a time in each lane: it stops and kills the servers that it has there.
          maxWorkers: Math.max(1, lanes.length),
          setupFiles: ['test/support/lane.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // Last: it replays the histories that the others have left behind.
        test: {
          name: 'replay',
          include: ['test/replay/**/*.test.ts'],
          setupFiles: ['test/support/lane.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
