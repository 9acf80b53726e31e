/**
 * Patches for workflows that were running when their code changed, each with the condition for its removal.
 *
 * A workflow asks for its patches first of all, before it calls an activity. A task was seen that ended with the result
 * of a local activity alone, on a worker without a cache; a replay has that result a task earlier than the patches that
 * were asked for after it, finds that they were not, and the run is lost until staff terminate it
 * (test/data/letter-task-ended-early.json). What is asked for later says why it may.
 */

/**
 * Dead letters escalate: a timer that older runs have not started. It goes when no dead letter is open that was opened
 * before 2026-12.
 */
export const ESCALATES = 'dead-letter-escalates';

/** The same, asked for first of all. Older runs ask when they have loaded the dead letter. It goes with the other. */
export const ESCALATES_ASKED_FIRST = 'dead-letter-escalates-asked-first';

/**
 * Runs that were started by hand with a wrong input, or under a wrong workflow id, are refused. Older ones go on as
 * they were. It goes when none of those is open.
 */
export const STARTS_CHECKED = 'starts-checked';

/**
 * An attempt that was stopped while it ran is told as stopped, and loaded after it, as one that was stopped between two
 * attempts always was. Asked for when the regular activity has ended, which is an event of its own: nothing that comes
 * after it can stand in an earlier task. It goes when no run is open that was started before 2026-12.
 */
export const STOPPED_IS_ANSWERED = 'a-stopped-attempt-is-told';
