/** The beginning of the keys of staff's commands, which come as updates from the Web UI. */
export const STAFF = 'staff:';

/** It names what it is about: one Update ID, a ticket's number say, may be used at every invoice. */
export const staffKey = (about: string, updateId: string): string => `${STAFF}${about}:${updateId}`;
