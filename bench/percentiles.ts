/** Sorted-sample percentiles; `samples` in any unit. */
export function percentiles(samples: readonly number[]): { p50: number; p95: number; p99: number } {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

/** Runs `work` `count` times, `concurrency` at a time; resolves with the seconds it took. */
export async function atConcurrency(
  concurrency: number,
  count: number,
  work: (n: number) => Promise<void>,
): Promise<number> {
  let next = 0;
  const from = performance.now();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (next < count) {
        next += 1;
        await work(next);
      }
    }),
  );
  return (performance.now() - from) / 1000;
}
