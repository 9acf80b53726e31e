/** What runs on this machine, as Linux tells it. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

export interface RunningProcess {
  pid: number;
  /** Its command line; parts are separated by NUL. */
  command: string;
  /** The file that it runs; empty when it has just ended. */
  program: string;
}

/** The processes that were started with this variable in their environment and have not ended. */
export const processesWith = (name: string, value: string): RunningProcess[] =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => `\0${textOf(pid, 'environ')}`.includes(`\0${name}=${value}\0`))
    .map((pid) => ({ pid: Number(pid), command: textOf(pid, 'cmdline'), program: programOf(pid) }))
    .filter(({ command }) => command !== '');

const textOf = (pid: string, file: string): string => unlessEnded(() => readFileSync(`/proc/${pid}/${file}`, 'latin1'));
const programOf = (pid: string): string => unlessEnded(() => readlinkSync(`/proc/${pid}/exe`));

function unlessEnded(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
