/** What scripts/bench.mjs asks for. */
import type { Processes } from './account.ts';

export interface Task {
  /** Lifecycles by concurrency. */
  plan: Record<string, number>;
  /** Invoices of a billing run; what is measured then is bulk.ts. */
  bulk?: number;
  processes: Processes;
  /** Where the threads of the service have written their ids (scripts/bench/thread-id.cjs). */
  threadsFolder: string;
  /** Where the result is written, as JSON. */
  resultFile: string;
  /** An earlier result, to which this one is compared. */
  compareWith?: string;
}

export const readTask = (): Task => JSON.parse(process.env['BENCH_TASK'] ?? '') as Task;
