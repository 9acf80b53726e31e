import { startProgressBar } from '../progress.ts';
import type { Tally } from './run.ts';

export interface Progress {
  /** `bytesRead` of the file are done with. */
  update: (bytesRead: number, tally: Tally) => void;
  retry: (reason: string) => void;
  stop: () => void;
}

export function startProgress(bytes: number): Progress {
  const bar = startProgressBar(bytes, '{created} created, {replayed} replayed, {refused} refused', {
    created: 0,
    replayed: 0,
    refused: 0,
  });
  let furthest = 0;
  return {
    retry: bar.retry,
    stop: bar.stop,
    update(bytesRead, { created, replayed, refused }) {
      furthest = Math.max(furthest, bytesRead);
      bar.update(furthest, { created, replayed, refused });
    },
  };
}
