/** Patches for workflows that were running when their code changed, each with the condition for its removal. */

/**
 * Dead letters escalate: a timer that older runs have not started. It goes when no dead letter is open that was opened
 * before 2026-12.
 */
export const ESCALATES = 'dead-letter-escalates';
