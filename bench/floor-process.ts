import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Floors } from './floor.ts';
import type { Task } from './task.ts';

const runFile = promisify(execFile);

/** Measures the floor in a process of its own: worker and client together, like the service. */
export async function runFloor(task: Task): Promise<Floors> {
  const floor = fileURLToPath(new URL('floor.js', import.meta.url));
  const folder = mkdtempSync(path.join(os.tmpdir(), 'floor-threads-'));
  const { stdout } = await runFile(process.execPath, [...process.execArgv, floor], {
    env: { ...process.env, THREADS_FOLDER: folder, BENCH_TASK: JSON.stringify({ ...task, threadsFolder: folder }) },
  });
  rmSync(folder, { recursive: true });
  // The SDK logs to standard output too; the result is the last line.
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Floors;
}
