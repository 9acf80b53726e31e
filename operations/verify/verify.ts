/**
 * Runs checks against a service that may be working meanwhile. What is under way looks broken for a moment, so the
 * checks that have found something look again after a grace, and only what is found both times counts.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type Check, type Outcome, type World, createTally } from './check.ts';

export interface CheckReport extends Outcome {
  name: string;
  /** Why it could not be done to its end; what it found until then is no proof of anything. */
  failure?: string;
  tookMs: number;
}

export interface VerifyOptions {
  checks: readonly Check[];
  graceMs: number;
  /** Told of each check before it begins. */
  onBegin?: (name: string, isSecondRead: boolean) => void;
}

export async function verify(world: World, { checks, graceMs, onBegin }: VerifyOptions): Promise<CheckReport[]> {
  const reports: CheckReport[] = [];
  for (const check of checks) {
    onBegin?.(check.name, false);
    reports.push(await runCheck(check, world));
  }
  if (reports.every(isClean)) return reports;
  await pause(graceMs);
  for (const [index, first] of reports.entries()) {
    const check = checks[index];
    if (!check || isClean(first)) continue;
    onBegin?.(check.name, true);
    reports[index] = confirmed(first, await runCheck(check, world));
  }
  return reports;
}

const isClean = ({ findings, failure }: CheckReport): boolean => findings.length === 0 && failure === undefined;

async function runCheck({ name, run }: Check, world: World): Promise<CheckReport> {
  const startedAt = performance.now();
  const tally = createTally();
  const report = () => ({ name, ...tally.outcome(), tookMs: performance.now() - startedAt });
  try {
    await run(world, tally);
    return report();
  } catch (error) {
    return { ...report(), failure: error instanceof Error ? error.message : String(error) };
  }
}

/** What the second look still finds. A first one that was cut off, or found too much to be kept, confirms nothing. */
function confirmed(first: CheckReport, second: CheckReport): CheckReport {
  if (first.failure !== undefined || first.more > 0) return second;
  const known = new Set(first.findings.map(({ id }) => id));
  return { ...second, findings: second.findings.filter(({ id }) => known.has(id)) };
}
