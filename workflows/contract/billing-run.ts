/** What the service and the workflow of a billing run agree on. */

/** `date` is YYYY-MM-DD. */
export const billingRunWorkflowId = (tenantId: string, date: string): string => `billing-run/${tenantId}/${date}`;
/** One run: every draft of a tenant that is due on a business day (YYYY-MM-DD) or before it. */
export interface BillingRunInput {
  tenantId: string;
  businessDate: string;
}

/** How far a billing run is. */
export interface BillingRunProgress {
  /** Drafts that got their numbers, since the run began. */
  finalized: number;
  refused: number;
  /** Drafts that are still to be looked at. */
  left: number;
}
