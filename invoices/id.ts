import { v5 as uuidv5 } from 'uuid';

// Any fixed UUID would do; it only keeps our names apart from other people's.
const NAMESPACE = '6f1d6b0c-7f6e-4c0e-9a51-0d9a4b1f5a7e';

/** The id of the invoice that a create with this key makes: a retry reaches the same invoice and its workflow. */
export const invoiceIdOf = (tenantId: string, key: string): string => uuidv5(`${tenantId}|${key}`, NAMESPACE);
