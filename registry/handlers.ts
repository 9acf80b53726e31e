/**
 * The events that have a handler here, one line each. The topics that are read, the types that are known and what a
 * replayed dead letter does follow from it.
 */
import { type BusinessDayEndedDeps, businessDayEndedHandler } from '../billing-runs/business-day-ended.ts';
import { type PaymentReceivedDeps, paymentReceivedHandler } from '../invoices/payment-received.ts';
import type { EventDefinition } from '../messaging/event.ts';
import type { Handling, ReceivedEvent } from '../messaging/handler.ts';
import { createInspect } from '../messaging/inspect.ts';

export type HandlerDeps = PaymentReceivedDeps & BusinessDayEndedDeps;

const definitions = [paymentReceivedHandler, businessDayEndedHandler] as const;

/** What is the same of all definitions. */
interface AnyDefinition {
  event: EventDefinition;
  earlier?: readonly { event: EventDefinition; upcast: (data: never) => unknown }[];
}

interface Version {
  definition: (typeof definitions)[number];
  event: EventDefinition;
  /** An event of this version as the newest one would be. */
  upcast: (event: ReceivedEvent) => never;
}

/** Every version of every event that is handled. */
const versions: readonly Version[] = definitions.flatMap(versionsOf);

function versionsOf(definition: (typeof definitions)[number]): Version[] {
  const { event, earlier = [] }: AnyDefinition = definition;
  const newest: Version = { definition, event, upcast: (received) => received as never };
  const others = earlier.map((one): Version => ({
    definition,
    event: one.event,
    upcast: (received) => ({ ...received, data: one.upcast(received.data) }) as never,
  }));
  return [newest, ...others];
}

export const handledEvents = versions.map(({ event }) => event);

export const createHandlers = (deps: HandlerDeps): Handling[] =>
  versions.map(({ definition, event, upcast }) => {
    const handle = definition.create(deps);
    return { event, handle: async (received) => handle(upcast(received)) };
  });

/** Judges a record without handling it. `environment` is NODE_ENV. */
export const inspectRecords = (environment: string) =>
  createInspect(
    versions.map(({ definition, event, upcast }) => ({
      event,
      inspect: (received: never) => ('inspect' in definition ? (definition.inspect?.(upcast(received)) ?? null) : null),
    })),
    environment,
  );
