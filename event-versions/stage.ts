/** The life of a version. The workflow imports it, so it holds no schema. */

/** In their order. Events are written while it is open or deprecated. */
export const stages = ['planned', 'open', 'deprecated', 'closed'] as const;
export type Stage = (typeof stages)[number];

/** What people decide about a version. */
export const decisionNames = ['open', 'deprecate', 'close'] as const;
export type DecisionName = (typeof decisionNames)[number];

/** Whoever has read a version within this time keeps it from being closed. */
export const UNREAD_DAYS = 14;
