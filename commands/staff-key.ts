/** The beginning of the keys of staff's commands, which come as updates from the Web UI. */
export const STAFF = 'staff:';

/** It names the invoice: one Update ID, a ticket's number say, may be used at every invoice. */
export const staffKey = (invoiceId: string, updateId: string): string => `${STAFF}${invoiceId}:${updateId}`;
