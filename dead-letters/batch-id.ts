import { v5 as uuidv5 } from 'uuid';

// Any fixed UUID would do; it only keeps our names apart from other people's.
const NAMESPACE = '9b7f0f52-3f5e-4b0c-8a51-6f0e2d4c7b19';

/** The id of the batch of dead letters that a request with this key starts. */
export const batchIdOf = (tenantId: string, key: string): string => uuidv5(`${tenantId}|${key}`, NAMESPACE);
