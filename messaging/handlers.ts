/**
 * The events that have a handler here: one row each, by the names of the catalogue. The topics that are read, the
 * types that are known and what a replayed dead letter does follow from it.
 */
import type { PlacedEvent } from './catalogue.ts';
import { type BusinessDayEndedDeps, createBusinessDayEnded } from '../billing-runs/business-day-ended.ts';
import type { Handler } from './handler.ts';
import { type PaymentReceivedDeps, createPaymentReceived } from '../invoices/payment-received.ts';

export type HandlerDeps = PaymentReceivedDeps & BusinessDayEndedDeps;

const table = {
  PaymentReceived: createPaymentReceived,
  BusinessDayEnded: createBusinessDayEnded,
} satisfies { [N in PlacedEvent]?: (deps: HandlerDeps) => Handler<N> };

export type HandledEvent = keyof typeof table;
export type Handlers = { [N in HandledEvent]: Handler<N> };

export const handledEvents = Object.keys(table) as HandledEvent[];

export const createHandlers = (deps: HandlerDeps): Handlers =>
  Object.fromEntries(handledEvents.map((name) => [name, table[name](deps)])) as Handlers;
