/** What the bench says of a run, and of two. */
import type { Cpu, Statement } from './account.ts';
import type { Floor } from './floor.ts';
import type { History } from './history.ts';
import type { percentiles } from './percentiles.ts';

/** At one concurrency. Costs are of a lifecycle. */
export interface Measured {
  /** Lifecycles a second with every event acknowledged, and with every caller answered. */
  rate: number;
  answered: number;
  /** Of `rate` to the floor's. */
  ratio: number;
  latencyMs: Record<string, ReturnType<typeof percentiles>>;
  cpuMs: Cpu;
  /** Of the service. */
  memoryMb: { halfway: number | undefined; end: number | undefined };
  /** Round trips to Postgres; not there when they were not counted. */
  statements?: number;
  history: History;
  floor: Floor;
}

/** By concurrency. */
export interface Result {
  runs: Record<string, Measured>;
  statements: Record<string, Statement[]>;
}

const PARTS = {
  serviceMain: 'service, main thread',
  serviceWorkflows: 'service, workflows',
  serviceRest: 'service, the rest',
  temporal: 'Temporal',
  postgres: 'Postgres',
  kafka: 'Kafka',
  client: 'client',
};

const number = (value: number | undefined, digits = 1) =>
  (value === undefined ? '-' : value.toFixed(digits)).padStart(9);

export function reported(concurrency: string, run: Measured): string {
  const { rate, answered, ratio, floor, latencyMs, cpuMs, memoryMb, history, statements } = run;
  const latencies = Object.entries(latencyMs).map(
    ([name, { p50, p95, p99 }]) => `    ${name.padEnd(22)} ${number(p50)} ${number(p95)} ${number(p99)}`,
  );
  const costs: [string, number | undefined, number | undefined][] = [
    ...Object.entries(PARTS).map(([part, name]): [string, number | undefined, number | undefined] => [
      `CPU ms: ${name}`,
      cpuMs[part],
      floor.cpuMs[part],
    ]),
    ['CPU ms: whole service', serviceOf(cpuMs), serviceOf(floor.cpuMs)],
    ['statements', statements, undefined],
    ['history events', history.events, floor.history.events],
    ['history bytes', history.bytes, floor.history.bytes],
  ];
  return [
    `concurrency ${concurrency}: ${rate.toFixed(1)} lifecycles/s with every event acknowledged (${answered.toFixed(1)} answered), floor ${floor.rate.toFixed(1)}, ratio ${ratio.toFixed(2)}`,
    `    ${'ms'.padEnd(22)}       p50       p95       p99`,
    ...latencies,
    `    ${'memory of the service, MB'.padEnd(28)} ${number(memoryMb.halfway, 0)} halfway, ${number(memoryMb.end, 0)} at the end`,
    `    ${'a lifecycle costs'.padEnd(28)}   service     floor`,
    ...costs.map(([name, own, least]) => `    ${name.padEnd(28)} ${number(own)} ${number(least)}`),
    '',
  ].join('\n');
}

/** The threads of the service together. */
const serviceOf = ({ serviceMain, serviceWorkflows, serviceRest }: Cpu): number | undefined =>
  serviceMain === undefined ? undefined : serviceMain + (serviceWorkflows ?? 0) + (serviceRest ?? 0);

/** What differs by less is noise. */
const MOVED = 0.05;

/** Every figure of two results that moved, with its ratio; and how the machine itself differed. */
export function compared(before: Result, after: Result): string {
  const lines: string[] = [];
  for (const [concurrency, run] of Object.entries(after.runs)) {
    lines.push(`concurrency ${concurrency}, what moved by more than ${MOVED * 100} %:`);
    const old = figuresOf(before.runs[concurrency]);
    for (const [name, now] of figuresOf(run)) {
      const then = old.get(name);
      if (then === undefined || then === 0 || Math.abs(now / then - 1) < MOVED) continue;
      lines.push(`    ${name.padEnd(32)} ${number(then, 2)} -> ${number(now, 2)}   x ${(now / then).toFixed(2)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** The numbers of a run, by their paths. */
function figuresOf(run: Measured | undefined): Map<string, number> {
  const figures = new Map<string, number>();
  const visit = (value: unknown, path: string): void => {
    if (typeof value === 'number') figures.set(path, value);
    else if (typeof value === 'object' && value !== null)
      for (const [name, one] of Object.entries(value)) visit(one, path === '' ? name : `${path}.${name}`);
  };
  visit(run, '');
  return figures;
}
