/** The floor: an entity with the same three updates that do nothing. */
import { condition, defineSignal, defineUpdate, setHandler, sleep } from '@temporalio/workflow';

export async function floor(): Promise<void> {
  let updates = 0;
  for (const name of ['create', 'finalize', 'pay']) {
    setHandler(defineUpdate<number, [unknown]>(name), () => (updates += 1));
  }
  await condition(() => updates === 3);
}

/** The floor of a wake-up: one timer. */
export async function floorWoken(): Promise<void> {
  setHandler(defineSignal('wake'), () => undefined);
  await sleep('1 day');
}
