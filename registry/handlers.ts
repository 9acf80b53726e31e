/**
 * The events that have a handler here, one line each. The topics that are read, the types that are known and what a
 * replayed dead letter does follow from it.
 */
import { type BusinessDayEndedDeps, businessDayEndedHandler } from '../billing-runs/business-day-ended.ts';
import { type PaymentReceivedDeps, paymentReceivedHandler } from '../invoices/payment-received.ts';
import type { Handling } from '../messaging/handler.ts';
import { createInspect } from '../messaging/inspect.ts';

export type HandlerDeps = PaymentReceivedDeps & BusinessDayEndedDeps;

const definitions = [paymentReceivedHandler, businessDayEndedHandler] as const;

export const handledEvents = definitions.map(({ event }) => event);

export const createHandlers = (deps: HandlerDeps): Handling[] =>
  definitions.map(({ event, create }) => ({ event, handle: create(deps) }));

/** Judges a record without handling it. `environment` is NODE_ENV. */
export const inspectRecords = (environment: string) => createInspect(definitions, environment);
