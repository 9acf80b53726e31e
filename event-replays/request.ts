/** What is asked for: where the range begins and ends, and what of it is sent. */

export type ReplayBegin =
  /** Recorded at this instant or later. */
  | { time: string }
  /** This event of a stream, and what comes after it, of whatever stream. */
  | { topic: string; subject: string; sequence: number }
  /** The event with this id, and what comes after it. */
  | { eventId: string };

export interface ReplayRequest {
  subscriber: string;
  from: ReplayBegin;
  /** Recorded before this instant; until now when absent. */
  to?: string | undefined;
  types?: readonly string[] | undefined;
  topic?: string | undefined;
  subject?: string | undefined;
  /** Events a second. */
  rate: number;
  reason: string;
}

export function beginsInWords({ from }: ReplayRequest): string {
  if ('time' in from) return from.time;
  if ('eventId' in from) return `event ${from.eventId}`;
  return `sequence ${from.sequence} of ${from.subject} on ${from.topic}`;
}

export function onlyInWords({ types, topic, subject }: ReplayRequest): string {
  const parts = [types?.join(', '), topic && `on ${topic}`, subject && `about ${subject}`];
  return parts.filter((part) => part !== undefined).join(', ') || 'everything';
}
