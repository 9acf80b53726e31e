/**
 * Named places at which a test lets the process die, as a power cut would: off unless TEST_FAULTS arms them, and
 * refused in production (platform/config.ts).
 */

/** Between these and what follows, a process that dies leaves the most behind. */
export const faultPointNames = ['before-commit', 'after-commit', 'after-send', 'after-effect'] as const;
export type FaultPoint = (typeof faultPointNames)[number];

/** How many more times each point is passed before the process dies. */
const passes = new Map<FaultPoint, number>();

/** At its n-th pass a point ends the process. */
export function armFaultPoints(points: readonly { point: FaultPoint; pass: number }[]): void {
  for (const { point, pass } of points) passes.set(point, pass);
}

export function faultPoint(point: FaultPoint): void {
  const left = passes.get(point);
  if (left === undefined) return;
  if (left <= 1) process.kill(process.pid, 'SIGKILL');
  passes.set(point, left - 1);
}
