import { v5 as uuidv5 } from 'uuid';

// Any fixed UUID would do; it only keeps our names apart from other people's.
const NAMESPACE = 'c2b7e3d4-5a0f-4e83-8b1c-7d6e9f2a4c35';

/** The id of the cashier that a create with this key makes. */
export const cashierIdOf = (tenantId: string, key: string): string => uuidv5(`${tenantId}|${key}`, NAMESPACE);
