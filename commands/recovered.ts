/**
 * The fingerprint, and the attempt, of a command that was brought back from its event (operations/recover): what was
 * asked for is not known any more. Whoever sends its key again, for the same entity and step, is given its answer.
 */
export const RECOVERED = 'recovered';
