/** Every event that is published or handled here. */
import { businessDayEnded } from '../billing-runs/received.ts';
import { cashierEvents } from '../cashiers/events.ts';
import { invoiceEvents } from '../invoices/events.ts';
import { paymentReceived, paymentReceived2 } from '../invoices/received.ts';
import type { EventDefinition } from '../messaging/event.ts';
import { eventWithheld } from '../messaging/event-withheld.ts';

export const catalogue: readonly EventDefinition[] = [
  ...invoiceEvents,
  paymentReceived,
  paymentReceived2,
  businessDayEnded,
  ...cashierEvents,
  eventWithheld,
];
