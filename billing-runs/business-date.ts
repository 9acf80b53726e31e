/** What may be asked of a billing run. */
import { addDays, dateOf } from '../values/dates.ts';
import type { FieldError } from '../commands/refusal.ts';

/** No later than tomorrow (UTC), which has begun somewhere: what is due on a later day must not be finalized yet. */
export function businessDateError(businessDate: string, now: string): FieldError | undefined {
  const last = addDays(dateOf(now), 1);
  if (businessDate <= last) return undefined;
  return { path: 'businessDate', code: 'in_the_future', message: `must not be after tomorrow, ${last} (UTC)` };
}
