export { type Problem, type ProblemCode, ProblemError, answerOf } from './answer.ts';
export { type BillingClient, type ClientOptions, createClient } from './client.ts';
export { OutcomeUnknownError } from './send.ts';
export type { components, operations, paths } from './generated/openapi.ts';
