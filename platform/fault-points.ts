/**
 * Named places at which a test lets the process die, as a power cut would, or stand still, as a machine does that is
 * paused: off unless TEST_FAULTS arms them, and refused in production (platform/config.ts).
 */

/** Between these and what follows, a process that dies leaves the most behind. */
export const faultPointNames = ['before-commit', 'after-commit', 'after-send', 'after-effect'] as const;
export type FaultPoint = (typeof faultPointNames)[number];

export interface ArmedFault {
  point: FaultPoint;
  /** At which pass of the point it happens. */
  pass: number;
  /** The process stands still until somebody sends SIGCONT, instead of dying. */
  freezes: boolean;
}

/** What is armed, with how many more times each point is passed before it happens. */
const armed = new Map<FaultPoint, ArmedFault>();

export function armFaultPoints(points: readonly ArmedFault[]): void {
  for (const fault of points) armed.set(fault.point, fault);
}

export function faultPoint(point: FaultPoint): void {
  const fault = armed.get(point);
  if (!fault) return;
  if (fault.pass > 1) {
    armed.set(point, { ...fault, pass: fault.pass - 1 });
    return;
  }
  armed.delete(point);
  process.kill(process.pid, fault.freezes ? 'SIGSTOP' : 'SIGKILL');
}
