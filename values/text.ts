/**
 * How texts must be: trimmed, of a length, and without characters that Postgres or Kafka would not keep. A length is
 * defined here and nowhere else: the schemas of what comes in and the hand-written checks of the workflows ask this
 * file, so that what the one takes the other does not refuse.
 */

// Control characters and lone surrogates: Postgres refuses the first of them (NUL), UTF-8 cannot hold the latter.
export const ONE_LINE = /^[^\p{Cc}\p{Cs}]*$/u;
export const MANY_LINES = /^(?:[^\p{Cc}\p{Cs}]|[\t\n\r])*$/u;
/** Whatever Postgres and UTF-8 can hold. */
// oxlint-disable-next-line no-control-regex
export const STORABLE = /^[^\0\p{Cs}]*$/u;

/**
 * The least and the most characters of a text. A character is a Unicode code point, as JSON Schema counts; to the least
 * only those count that can be seen.
 */
export type Length = readonly [min: number, max: number];

/** Of the texts of an invoice and its payment. */
export const invoiceTexts = {
  name: [2, 100],
  customerReference: [1, 64],
  method: [1, 50],
  reference: [1, 100],
  reason: [1, 500],
} as const satisfies Record<string, Length>;

/** Of a cashier. RFC 5321 lets an address have 254. */
export const cashierTexts = { name: [2, 100], email: [0, 254] } as const satisfies Record<string, Length>;

/** Of a public number, INV-2026-000042. */
export const NUMBER_LENGTH: Length = [1, 32];

/** Of what dead letters are chosen by: a reason, a topic, a type. */
export const FILTER_LENGTH: Length = [1, 300];

/** Of several of them, with commas between them. */
export const FILTERS_LENGTH: Length = [1, 3_000];

/** Of what a subscriber is called in the topic that is replayed to him. */
export const SUBSCRIBER_LENGTH: Length = [1, 60];

/** Of a command's key, as callers choose it and as it is stored. */
export const KEY_LENGTH: Length = [1, 255];
/** Of what a business day is named by beside its date. */
export const dayTexts = { market: [1, 100], region: [1, 100] } as const satisfies Record<string, Length>;

/** Of who acts, and of why a person does. */
export const ACTOR_LENGTH: Length = [1, 100];
export const REASON_LENGTH: Length = [1, 500];
/** Of an API key's name: with its id it is who acts. */
export const API_KEY_NAME_LENGTH: Length = [1, 50];

/**
 * The text without halves of surrogate pairs, which UTF-8 cannot hold: whoever takes it apart may cut a pair in two.
 */
export const wellFormed = (text: string): string => text.replace(/\p{Cs}/gu, '\ufffd');

/** What is wrong with a text. The names are a contract with callers: they are the codes of field errors. */
export type TextFault = 'too_small' | 'too_big' | 'invalid_format';

// White space, what Unicode says to leave undrawn, and what has a glyph without ink: the blank of Braille, and the
// signs that frame annotations or join hieroglyphs.
const UNSEEN = /^[\s\p{Default_Ignorable_Code_Point}\u2800\uFFF9-\uFFFB\u{13430}-\u{1343F}]$/u;
// Selectors and tags say how the character before them is drawn: they belong to it.
const SELECTOR = /^[\p{Variation_Selector}\u{E0020}-\u{E007F}]$/u;
const BEYOND_16_BITS = /[\u{10000}-\u{10FFFF}]/gu;

const isSeen = (character: string): boolean => !UNSEEN.test(character);
const isSelector = (character: string | undefined): boolean => character !== undefined && SELECTOR.test(character);

/** Without what cannot be seen at its beginning and its end: white space, zero-width, format and blank characters. */
export function trimmed(text: string): string {
  const characters = Array.from(text);
  const first = characters.findIndex(isSeen);
  if (first === -1) return '';
  let end = characters.findLastIndex(isSeen) + 1;
  while (isSelector(characters[end])) end += 1;
  return characters.slice(first, end).join('');
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The UUID that a text is, in small letters as Postgres gives it back; undefined when it is none. */
export const uuidIn = (text: unknown): string | undefined =>
  typeof text === 'string' && UUID.test(text) ? text.toLowerCase() : undefined;

/** How many code points a text has; half a surrogate pair is one. */
export const codePoints = (text: string): number => text.length - (text.match(BEYOND_16_BITS)?.length ?? 0);

/** Everything that is wrong with a text as it stands; whether it is trimmed is for others to say. */
export function textFaults(text: string, allowed: RegExp, [min, max]: Length): TextFault[] {
  const faults: [TextFault, boolean][] = [
    ['too_small', !hasSeen(text, min)],
    ['too_big', text.length > max && codePoints(text) > max],
    ['invalid_format', !allowed.test(text)],
  ];
  return faults.filter(([, isThere]) => isThere).map(([fault]) => fault);
}

function hasSeen(text: string, min: number): boolean {
  let left = min;
  for (const character of text) {
    if (left === 0) return true;
    if (isSeen(character)) left -= 1;
  }
  return left === 0;
}
