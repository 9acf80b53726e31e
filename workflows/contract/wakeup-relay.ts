/** What the service and the relay of wake-ups agree on. */

export const WAKEUP_RELAY_ID = 'wakeup-relay';
/** What one run of the wake-ups' activity did, and what it left. */
export interface WakeupReport {
  sent: number;
  waiting: number;
}
