/** How texts must be: one line or many, without characters that Postgres or Kafka would not keep. */

// Control characters and lone surrogates: Postgres refuses the first of them (NUL), UTF-8 cannot hold the latter.
export const ONE_LINE = /^[^\p{Cc}\p{Cs}]*$/u;
export const MANY_LINES = /^(?:[^\p{Cc}\p{Cs}]|[\t\n\r])*$/u;

/** The least and the most characters of a text. */
export type Length = readonly [min: number, max: number];

/** Of the texts of an invoice and its payment. */
export const invoiceTexts = {
  name: [2, 100],
  customerReference: [1, 64],
  method: [1, 50],
  reference: [1, 100],
  reason: [1, 500],
} as const satisfies Record<string, Length>;

/** Of who acts, and of why a person does. */
export const ACTOR_LENGTH: Length = [1, 100];
export const REASON_LENGTH: Length = [1, 500];
