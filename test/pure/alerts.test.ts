/**
 * Alert rules and dashboard name metrics that there are, and docs/operate.md says what to do at each alert. What would
 * break without it: an alert that never fires because a metric was renamed.
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '../../operations/metrics/metrics.ts';
import { readDocument } from '../support/documents.ts';

const fileOf = (name: string) => readFileSync(new URL(`../../deploy/${name}`, import.meta.url), 'utf8');

interface Rule {
  alert: string;
  expr: string;
}
const rules = (parse(fileOf('prometheus/alerts.yaml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const dashboard = JSON.parse(fileOf('grafana/billing.json')) as {
  panels: { title: string; targets: { expr: string }[] }[];
};

/** As a scrape names them; a histogram has three series. */
async function metricNames(): Promise<Set<string>> {
  const text = await createMetrics({
    outbox: async () => ({ events: 0, oldestSeconds: 0, blockedStreams: 0 }),
    wakeups: async () => 0,
    deadLetters: async () => [],
    readers: async () => [],
  }).text();
  const families = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)];
  return new Set(
    families.flatMap(([, name = '', type]) =>
      type === 'histogram' ? ['_bucket', '_count', '_sum'].map((end) => name + end) : [name],
    ),
  );
}

const namedIn = (expr: string) => [...expr.matchAll(/\b(?:billing|nodejs|process)_\w+\b/g)].map(([name]) => name);

it('every metric of a rule or a panel is one that a process has', async () => {
  const names = await metricNames();
  const exprs = [
    ...rules.map(({ expr }) => expr),
    ...dashboard.panels.flatMap((panel) => panel.targets.map(({ expr }) => expr)),
  ];
  const named = exprs.flatMap(namedIn);
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter((name) => !names.has(name))).toEqual([]);
});

it('every metric of ours is watched by a rule or a panel', async () => {
  const seen = new Set(
    [...rules, ...dashboard.panels.flatMap((panel) => panel.targets)].flatMap(({ expr }) => namedIn(expr)),
  );
  const ours = [...(await metricNames())].filter(
    (name) => name.startsWith('billing_') && !/_(?:bucket|sum)$/.test(name),
  );
  expect(ours.filter((name) => !seen.has(name))).toEqual(['billing_relay_last_failure_timestamp_seconds']);
});

it('docs/operate.md says of every alert, and of no other, what it means and what to do', () => {
  const told = [...readDocument('docs/operate.md').matchAll(/^\| `(Billing\w+)` +\| \S.*\| \S.*\|$/gm)].map(
    ([, name]) => name,
  );
  expect(told).toEqual(rules.map(({ alert }) => alert));
});

it('each alert is tried at its trouble', () => {
  const { tests } = parse(fileOf('prometheus/alerts.test.yaml')) as { tests: { name: string }[] };
  expect(tests.map(({ name }) => name)).toEqual([...rules.map(({ alert }) => alert), 'an hour without trouble']);
});
