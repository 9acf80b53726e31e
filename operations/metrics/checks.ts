/** The cheap checks of verify/, every minute in each worker: a fault shows as a number before somebody reports it. */
import type { Logger } from '../../platform/logger.ts';
import { createPoll } from '../../platform/poll.ts';

const EVERY_MS = 60_000;
/** Each statement has its own limit, far below; this is for all of them together. */
const LIMIT_MS = 20_000;

export interface ChecksDeps {
  /** How many findings each check has. */
  check: () => Promise<Record<string, number>>;
  /** null: the checks failed or took too long. */
  show: (findings: Record<string, number> | null) => void;
  logger: Logger;
  everyMs?: number;
  limitMs?: number;
}

/** Returns how to stop. Checks never overlap: while one is late, no other begins. */
export function startChecks({ check, show, logger, everyMs = EVERY_MS, limitMs = LIMIT_MS }: ChecksDeps): () => void {
  const poll = createPoll(
    check,
    (findings: Record<string, number> | null) => {
      show(findings);
      if (findings && Object.values(findings).some((count) => count > 0))
        logger.error({ findings }, 'the checks have found faults; npm run verify names them');
    },
    { limitMs, maxAgeMs: 0 },
  );
  const timer = setInterval(() => void poll(), everyMs);
  return () => clearInterval(timer);
}
