/**
 * What Prometheus is told, every metric by its name. A process counts for itself; what is in the database is the same
 * in all of them, so dashboards take the maximum of those gauges and the sum of the counters.
 *
 * Always true: the values of a label are few and ours. No id, path or name that comes from outside becomes one.
 */
import type { Backlog } from '../../workflows/contract/outbox-relay.ts';
import type { SendDeps } from '../../commands/send-update.ts';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { MeasuredRequest } from '../../api/measure.ts';
import type { RecordOutcome } from '../../dead-letters/receive.ts';
import type { DeadLetterCount } from '../../dead-letters/counts.ts';
import type { ReaderCount } from '../../event-versions/readers.ts';
import { createPoll } from '../../platform/poll.ts';

/** What the gauges of the database are read with. */
export interface Figures {
  outbox: () => Promise<Backlog>;
  wakeups: () => Promise<number>;
  deadLetters: () => Promise<DeadLetterCount[]>;
  readers: () => Promise<ReaderCount[]>;
}

export interface Metrics {
  contentType: string;
  /** Everything, as a scrape gets it. Takes SCRAPE_LIMIT_MS at most, and never rejects because of a server. */
  text: () => Promise<string>;
  request: (request: MeasuredRequest) => void;
  deprecated: (operation: string) => void;
  command: NonNullable<SendDeps['onResult']>;
  published: (events: number) => void;
  publishFailed: () => void;
  record: (topic: string, outcome: RecordOutcome) => void;
  /** null: the checks failed or took too long. */
  checked: (findings: Record<string, number> | null) => void;
}

const POLL = { limitMs: 1_500, maxAgeMs: 5_000 };
/** From a read to a command that waits for its deadline. */
const REQUEST_BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20];

export function createMetrics(figures: Figures): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counters = createCounters(registry);
  const polls = createPolls(registry, figures);
  return {
    ...counters,
    checked: createChecked(registry),
    contentType: registry.contentType,
    text: async () => {
      await Promise.all(polls.map((poll) => poll()));
      return registry.metrics();
    },
  };
}

function createCounters(registry: Registry) {
  const registers = [registry];
  const requests = new Histogram({
    name: 'billing_http_request_seconds',
    help: 'REST requests: how many (_count) and how long; the route is its template',
    labelNames: ['route', 'method', 'status'],
    buckets: REQUEST_BUCKETS_SECONDS,
    registers,
  });
  const commands = new Counter({
    name: 'billing_commands_total',
    help: 'Commands sent to invoices, by what came of them: answered, refused, failed, stopped (by a person), pending or unknown',
    labelNames: ['step', 'result'],
    registers,
  });
  const published = new Counter({
    name: 'billing_relay_published_events_total',
    help: 'Events that the broker has acknowledged',
    registers,
  });
  const failures = new Counter({
    name: 'billing_relay_failures_total',
    help: 'Runs of the relay that failed: the broker or the database was away',
    registers,
  });
  const lastFailure = new Gauge({
    name: 'billing_relay_last_failure_timestamp_seconds',
    help: 'When a run of the relay failed last; 0: never since the process started',
    registers,
  });
  const records = new Counter({
    name: 'billing_consumer_records_total',
    help: 'Records read: handled, refused (now a dead letter), skipped (nobody handles the type), kept (was a dead letter before), again (no answer yet, to be handed in again)',
    labelNames: ['topic', 'result'],
    registers,
  });
  const deprecated = new Counter({
    name: 'billing_deprecated_requests_total',
    help: 'Requests for operations that will go, or have gone, by their name in the OpenAPI document',
    labelNames: ['operation'],
    registers,
  });
  return {
    deprecated: (operation: string) => deprecated.inc({ operation }),
    request: ({ seconds, ...labels }: MeasuredRequest) => requests.observe({ ...labels }, seconds),
    command: (step: string, result: string) => commands.inc({ step, result }),
    published: (events: number) => published.inc(events),
    publishFailed: () => {
      failures.inc();
      lastFailure.setToCurrentTime();
    },
    record: (topic: string, result: string) => records.inc({ topic, result }),
  };
}

/** One look a source, so that one that is late or broken hides its own figures only. */
function createPolls(registry: Registry, figures: Figures): (() => Promise<void>)[] {
  const readable = new Gauge({
    name: 'billing_figures_readable',
    help: '1: the gauges of this source are current; 0: the database did not answer in time, and they are left out',
    labelNames: ['source'],
    registers: [registry],
  });
  const shown = <T>(source: keyof Figures, read: () => Promise<T>, show: (value: T | null) => void) =>
    createPoll(
      read,
      (value: T | null) => {
        readable.set({ source }, value === null ? 0 : 1);
        show(value);
      },
      POLL,
    );
  return [
    shown('outbox', figures.outbox, outboxGauges(registry)),
    shown('wakeups', figures.wakeups, wakeupGauge(registry)),
    shown('deadLetters', figures.deadLetters, deadLetterGauge(registry)),
    shown('readers', figures.readers, readerGauges(registry)),
  ];
}

function outboxGauges(registry: Registry): (backlog: Backlog | null) => void {
  const events = gauge(registry, 'billing_outbox_unpublished_events', 'Events that wait to be published');
  const oldest = gauge(registry, 'billing_outbox_oldest_seconds', 'How long the oldest of them has waited');
  const blocked = gauge(registry, 'billing_outbox_blocked_streams', 'Streams that wait for a person');
  return (backlog) => {
    setOrHide(events, backlog?.events);
    setOrHide(oldest, backlog?.oldestSeconds);
    setOrHide(blocked, backlog?.blockedStreams);
  };
}

function wakeupGauge(registry: Registry): (waiting: number | null) => void {
  const wakeups = gauge(registry, 'billing_wakeups_waiting', 'Wake-ups of invoices that are still to be sent');
  return (waiting) => setOrHide(wakeups, waiting);
}

function deadLetterGauge(registry: Registry): (counts: DeadLetterCount[] | null) => void {
  const open = new Gauge({
    name: 'billing_dead_letters_open',
    help: 'Dead letters that nobody has decided, by their reason; outbound ones hold a stream up',
    labelNames: ['direction', 'reason'],
    registers: [registry],
  });
  return (counts) => {
    open.reset();
    for (const { deadLetters, ...labels } of counts ?? []) open.set(labels, deadLetters);
  };
}

/** Names of groups come from outside, so they are counted. */
function readerGauges(registry: Registry): (counts: ReaderCount[] | null) => void {
  const gaugeOf = (name: string, help: string, labelNames: string[]) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const groups = gaugeOf(
    'billing_event_version_readers',
    'Consumer groups that were seen to read a topic of which there are several versions, by what they are: moving, idle, gone',
    ['topic', 'state'],
  );
  const lag = gaugeOf('billing_event_version_lag_records', 'Records behind, of the groups that are not gone', [
    'topic',
  ]);
  return (counts) => {
    groups.reset();
    lag.reset();
    for (const { topic, state, readers, behind } of counts ?? []) {
      groups.set({ topic, state }, readers);
      if (state !== 'gone') lag.inc({ topic }, behind);
    }
  };
}

function createChecked(registry: Registry): Metrics['checked'] {
  const findings = new Gauge({
    name: 'billing_check_findings',
    help: 'What the checks of every minute have found; anything above 0 is a fault. Left out when they could not be made',
    labelNames: ['check'],
    registers: [registry],
  });
  const checkedAt = gauge(registry, 'billing_check_last_success_timestamp_seconds', 'When the checks were made last');
  // A process that makes no checks has none, and 0 would be long ago.
  checkedAt.remove();
  return (found) => {
    findings.reset();
    if (found === null) return;
    for (const [check, count] of Object.entries(found)) findings.set({ check }, count);
    checkedAt.setToCurrentTime();
  };
}

const gauge = (registry: Registry, name: string, help: string): Gauge =>
  new Gauge({ name, help, registers: [registry] });

/** A figure that is not known is left out: 0 would look like the best of days. */
function setOrHide(one: Gauge, value: number | null | undefined): void {
  if (value === null || value === undefined) one.remove();
  else one.set(value);
}
