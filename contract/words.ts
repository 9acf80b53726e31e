/** Differences in words that say what to do. */
import type { Difference, DifferenceKind } from './compatibility.ts';

type Words = Record<DifferenceKind, (detail: string) => string>;

/** We write, others read by an older schema. */
const sent: Words = {
  missing: () => 'is not sent any more; old readers require it',
  optional: () => 'became optional; old readers require it',
  unknown: () => 'is new; old readers refuse what they do not know',
  type: (type) => `may be ${type} now; old readers do not take that`,
  value: (values) => `may be ${values} now; old readers do not know that`,
  lost: (values) => `is never ${values} any more; old readers wait for it`,
  range: (limit) => `goes beyond what old readers take: ${limit}`,
  keyword: (keywords) => `cannot be compared: ${keywords}`,
};

/** Others write by an older schema, we read. */
const received: Words = {
  missing: () => 'is required now; old senders do not know it',
  optional: () => 'became required; old senders may leave it out',
  unknown: () => 'is not taken any more; old senders send it',
  type: (type) => `is not taken as ${type} any more; old senders send that`,
  value: (values) => `is not taken as ${values} any more; old senders send that`,
  lost: (values) => `names ${values} no more; old senders send it`,
  range: (limit) => `is taken within narrower bounds: ${limit}`,
  keyword: (keywords) => `cannot be compared: ${keywords}`,
};

/** We answer, callers read by an older document. */
const answered: Words = {
  missing: () => 'disappeared; callers read it',
  optional: () => 'became optional; callers count on it',
  unknown: () => 'is new; callers refuse what they do not know',
  type: (type) => `may be ${type} now; callers do not take that`,
  value: (values) => `may be ${values} now; callers do not know that`,
  lost: (values) => `is never ${values} any more; callers wait for it`,
  range: (limit) => `goes beyond what callers take: ${limit}`,
  keyword: (keywords) => `cannot be compared: ${keywords}`,
};

/** Callers ask by an older document, we read. */
const asked: Words = {
  missing: () => 'is required now; callers do not send it',
  optional: () => 'became required; callers may leave it out',
  unknown: () => 'disappeared; callers send it',
  type: (type) => `is not taken as ${type} any more; callers send that`,
  value: (values) => `is not taken as ${values} any more; callers send that`,
  lost: (values) => `names ${values} no more; callers send it`,
  range: (limit) => `is taken within narrower bounds: ${limit}`,
  keyword: (keywords) => `cannot be compared: ${keywords}`,
};

export type Direction = 'sent' | 'received' | 'answered' | 'asked';

export const KEEP = 'Keep it, or publish it under /v2.';
export const TAKE = 'Take both, or publish it under /v2.';

const ways: Readonly<Record<Direction, { words: Words; advice: string }>> = {
  sent: { words: sent, advice: '; publish a new version or keep it' },
  received: { words: received, advice: '; take both or publish a new version' },
  answered: { words: answered, advice: `. ${KEEP}` },
  asked: { words: asked, advice: `. ${TAKE}` },
};

/** `InvoicePaid v1: \`payment.method\` became optional; old readers require it; publish a new version or keep it` */
export function inWords(what: string, direction: Direction, { at, kind, detail }: Difference): string {
  const { words, advice } = ways[direction];
  return `${what}: ${at === '' ? 'it' : `\`${at}\``} ${words[kind](detail)}${advice}`;
}
