/**
 * Passes what the service has through a subscriber, once. When Kafka has deleted the last records of a stream, no later
 * one comes and no gap shows: so it is for the first start, and for an outage longer than Kafka keeps records. What is
 * known is passed over, so it may run beside the consumer, and again.
 */
import { type RestOptions, readPage, refusedWith } from './missing-events.ts';
import type { Subscriber } from './subscriber.ts';

export interface CatchUpOptions {
  topic: string;
  /** Events recorded from then on; everything that the service has when absent. */
  from?: Date;
  /** Of this tenant alone; of all that the caller may act for when absent. */
  tenantId?: string;
}

export interface CaughtUp {
  applied: number;
  /** RFC 3339. Not null: the service has deleted events too, all recorded before then. Read again what they were about. */
  prunedBefore: string | null;
}

const LIMIT = '500';

/**
 * Ends at what was recorded after it began: Kafka brings that, also where two clocks differ by minutes. Rejects as `receive` does, and with an EventError `gap` when the service does
 * not answer: then call it again.
 */
export async function catchUp(
  { receive }: Subscriber,
  rest: RestOptions,
  { topic, from, tenantId }: CatchUpOptions,
): Promise<CaughtUp> {
  const startedAt = Date.now();
  const query = { topic, limit: LIMIT, ...(from && { from: from.toISOString() }) };
  const what = `The events on ${topic} could not be read`;
  const result: CaughtUp = { applied: 0, prunedBefore: null };
  for (let after: string | undefined; ;) {
    const page = await readPage(rest, { ...query, ...(after !== undefined && { after }) }, tenantId ?? null, what);
    if (!('items' in page)) throw refusedWith(page, what);
    for (const record of page.items) if ((await receive(record)) === 'applied') result.applied += 1;
    result.prunedBefore ??= page.prunedBefore;
    // There is no last page: at the end a page is empty, and leads to itself.
    if (page.nextCursor === after || Date.parse(page.items.at(-1)?.headers['ce_time'] ?? '') >= startedAt)
      return result;
    after = page.nextCursor;
  }
}
