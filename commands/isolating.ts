/** Many commands in one transaction, of which one that a bug stops holds up no other. */
import { isInfrastructureFailure } from '../platform/database.ts';
import type { CommandDefinition, Outcome } from './command.ts';
import type { CommandHead, EntityState } from './decision.ts';
import { type TransactionDeps, carryOut } from './transaction.ts';

/** What came of a command; `failed`: a bug stops it, alone too. */
export type IsolatedOutcome<State, Answer> = Outcome<State, Answer> | { kind: 'failed'; error: unknown };

/**
 * Carries commands out in one transaction. When that fails, its halves, until the command is found that fails alone.
 * Rejects when infrastructure failed, or when more than `failedMax` commands fail; what was carried out until then stays
 * so. `definitionOf` gives the definition for those that share a transaction.
 */
export async function carryOutIsolating<State extends EntityState, Command extends CommandHead, Lookups, Answer>(
  deps: TransactionDeps,
  definitionOf: (commands: readonly Command[]) => CommandDefinition<State, Command, Lookups, Answer>,
  commands: readonly Command[],
  failedMax: number,
): Promise<IsolatedOutcome<State, Answer>[]> {
  let failed = 0;
  const inHalves = async (some: readonly Command[]): Promise<IsolatedOutcome<State, Answer>[]> => {
    if (some.length === 0) return [];
    try {
      return await carryOut(deps, definitionOf(some), some);
    } catch (error) {
      if (isInfrastructureFailure(error) || failed >= failedMax) throw error;
      if (some.length === 1) {
        failed += 1;
        return [{ kind: 'failed', error }];
      }
      const middle = Math.ceil(some.length / 2);
      return [...(await inHalves(some.slice(0, middle))), ...(await inHalves(some.slice(middle)))];
    }
  };
  return inHalves(commands);
}
