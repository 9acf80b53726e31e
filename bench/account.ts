/**
 * What a run costs, seen from outside: the processor time of each part from /proc, its statements from
 * pg_stat_statements. Only on Linux, and only of servers that the bench has started itself; what cannot be known is
 * left out.
 */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Database } from '../platform/database.ts';
import { queryRows } from '../platform/rows.ts';

/** Pids; a server that somebody else has started has none. */
export interface Processes {
  service?: number;
  temporal?: number;
  postgres?: number;
  kafka?: number;
}

/** Processor time by part, in milliseconds. */
export type Cpu = Record<string, number>;

/** The kernel counts in hundredths of a second. */
const TICK_MS = 10;
/** Of /proc/PID/stat, behind the name in brackets. */
const PARENT = 1;
const OWN_TIMES = [11, 12];
const TIMES_OF_ENDED_CHILDREN = [13, 14];

/** The processor time that every part has taken so far. `threadsFolder` is where scripts/bench/thread-id.cjs writes. */
export function cpuSoFar({ service, temporal, postgres, kafka }: Processes, threadsFolder: string): Cpu {
  if (process.platform !== 'linux') return {};
  return {
    ...(service === undefined ? {} : cpuOfThreads(service, threadsFolder)),
    ...(temporal === undefined ? {} : { temporal: cpuOf(temporal) }),
    ...(postgres === undefined ? {} : { postgres: cpuOfFamily(postgres) }),
    ...(kafka === undefined ? {} : { kafka: cpuOf(kafka) }),
  };
}

/** The main thread, the threads that run workflows, and what is left: the SDK's core, the garbage collector, I/O. */
function cpuOfThreads(pid: number, threadsFolder: string): Cpu {
  const workers = readdirSync(threadsFolder).map((name) =>
    Number(readFileSync(path.join(threadsFolder, name), 'utf8')),
  );
  const main = timeIn(`/proc/${pid}/task/${pid}/stat`);
  const workflows = workers.reduce((sum, tid) => sum + timeIn(`/proc/${pid}/task/${tid}/stat`), 0);
  return { serviceMain: main, serviceWorkflows: workflows, serviceRest: cpuOf(pid) - main - workflows };
}

const cpuOf = (pid: number): number => timeIn(`/proc/${pid}/stat`);

/** A server with a process for each connection. */
function cpuOfFamily(parent: number): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const children = pids.filter((pid) => fieldsOf(`/proc/${pid}/stat`)[PARENT] === String(parent));
  const living = children.reduce((sum, pid) => sum + timeIn(`/proc/${pid}/stat`), 0);
  return living + timeIn(`/proc/${parent}/stat`, [...OWN_TIMES, ...TIMES_OF_ENDED_CHILDREN]);
}

const timeIn = (file: string, places = OWN_TIMES): number => {
  const fields = fieldsOf(file);
  return places.reduce((sum, place) => sum + Number(fields[place] ?? 0), 0) * TICK_MS;
};

/** Nothing of a process or a thread that has ended meanwhile. */
function fieldsOf(file: string): string[] {
  try {
    const text = readFileSync(file, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

/** Memory of the service that is in use now, in MB; undefined where that cannot be known. */
export function memoryOf({ service }: Processes): number | undefined {
  if (process.platform !== 'linux' || service === undefined) return undefined;
  const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${service}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

/** What was spent between two moments, for each of `count`. */
export const cpuEach = (before: Cpu, after: Cpu, count: number): Cpu =>
  Object.fromEntries(Object.entries(after).map(([part, ms]) => [part, (ms - (before[part] ?? 0)) / count]));

/** Statements that carry it are the bench's own, and not counted. */
export const NOT_COUNTED = '/* bench */';

/** Calls, and milliseconds in Postgres without planning, of each lifecycle. */
export interface Statement {
  text: string;
  calls: number;
  ms: number;
}

const statementRow = z.object({ text: z.string(), calls: z.bigint(), ms: z.number() });

/** Begins to count statements anew; false where Postgres does not count them. */
export async function countStatements(database: Database): Promise<boolean> {
  try {
    await database.$executeRaw`CREATE EXTENSION IF NOT EXISTS pg_stat_statements`;
    await database.$queryRaw`SELECT 1 AS done FROM pg_stat_statements_reset()`;
    return true;
  } catch {
    return false;
  }
}

/** The statements since then, BEGIN and COMMIT too, the most frequent first. */
export async function countedStatements(database: Database, lifecycles: number): Promise<Statement[]> {
  const rows = await queryRows(database, statementRow)`
    SELECT query AS text, calls, total_exec_time AS ms FROM pg_stat_statements
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND query NOT LIKE '%pg_stat_statements%' AND position(${NOT_COUNTED} in query) = 0
    ORDER BY calls DESC`;
  return rows.map(({ text, calls, ms }) => ({ text, calls: Number(calls) / lifecycles, ms: ms / lifecycles }));
}
