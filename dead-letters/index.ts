/** What other slices may know of dead letters. */
export { discardOf, lockKey } from './burn-key.ts';
export { identityTaken } from './identity-taken.ts';
