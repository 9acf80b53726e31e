import { expect, it } from 'vitest';
import { startChecks } from '../../operations/metrics/checks.ts';
import { type Figures, createMetrics } from '../../operations/metrics/metrics.ts';
import { createLogger } from '../../platform/logger.ts';
import { waitFor } from '../support/wait.ts';

const figures: Figures = {
  outbox: async () => ({ events: 0, oldestSeconds: 0, blockedStreams: 0 }),
  wakeups: async () => 0,
  deadLetters: async () => [],
  readers: async () => [],
};
const logger = createLogger({ level: 'silent', name: 'test' });

it('shows what the checks find, and nothing when they could not be made', async () => {
  const metrics = createMetrics(figures);
  expect(await metrics.text()).not.toMatch(/^billing_check_last_success_timestamp_seconds \d/m);
  let away = false;
  const check = async () => {
    if (away) throw new Error('away');
    return { streams: 0, audit: 2 };
  };
  const stop = startChecks({ check, show: metrics.checked, logger, everyMs: 5 });
  try {
    await waitFor('the findings', async () =>
      (await metrics.text()).includes('billing_check_findings{check="audit"} 2'),
    );
    expect(await metrics.text()).toMatch(/^billing_check_last_success_timestamp_seconds \d/m);
    away = true;
    await waitFor('no findings', async () => !(await metrics.text()).includes('billing_check_findings{'));
  } finally {
    stop();
  }
});

// Two at once would ask a database that is slow already for twice as much.
it('never makes two checks at once, however long one takes', async () => {
  let begun = 0;
  let ends: () => void = () => undefined;
  let shown = 0;
  const check = () => {
    begun += 1;
    return new Promise<Record<string, number>>((resolve) => (ends = () => resolve({})));
  };
  const stop = startChecks({ check, show: () => (shown += 1), logger, everyMs: 2, limitMs: 5 });
  try {
    await waitFor('lateness', async () => shown >= 3);
    expect(begun).toBe(1);
    ends();
    await waitFor('the next check', async () => begun === 2);
  } finally {
    stop();
  }
});
