/**
 * How long a test waits at most. A wait ends on its condition; the bound only tells a hang from a slow machine, so it
 * is generous, and grows with how slow the machine was when the run began (scripts/stack/speed.mjs).
 */
import { boundOf } from '../../scripts/stack/speed.mjs';

/** 1 on a machine of the usual speed, 4 on one that is four times slower. */
export const slowness = Number(process.env['TEST_SLOWNESS'] ?? 1);

/** The bound of something that takes up to `ms` on a machine of the usual speed. */
export const atMost = (ms: number): number => boundOf(ms, slowness);
