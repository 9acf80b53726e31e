/** When the events of our own are published, by their names. */
import { cashierOccasions } from '../cashiers/occasions.ts';
import { invoiceOccasions } from '../invoices/occasions.ts';
import type { Occasion } from '../messaging/occasion.ts';

export const occasions: ReadonlyMap<string, Occasion> = new Map(
  [...invoiceOccasions, ...cashierOccasions].map((occasion) => [occasion.event, occasion]),
);
