/** The events of the steps, as the catalogue has them and as the transaction publishes them. */
import { z } from 'zod';
import type { Occurrence, PublishedEvent } from '../commands/command.ts';
import type { EventDefinition } from '../messaging/event.ts';
import { type Action, type ActionBodies, type Invoice, actions, definitionOf } from './lifecycle.ts';
import type { FurtherEvent, InvoiceCommand, StepEvent } from './step.ts';
import { invoiceSchema, toWire } from './wire.ts';

/** What all events of an invoice have in common: its topic, its key, its subject. */
const ofInvoice = { entity: 'Invoice', version: 1, key: ['tenantId', 'invoiceId'], subject: 'invoiceId' } as const;

type Published<S extends Action> = PublishedEvent<Invoice, InvoiceCommand<ActionBodies[S]>>;
type AnyOccurrence = Occurrence<Invoice, InvoiceCommand<never>>;

/** The invoice as it is after the step, and what the step says more. */
const snapshot = ({ name, description, more, data }: StepEvent<never, z.ZodRawShape>) => ({
  definition: {
    ...ofInvoice,
    name,
    scope: 'public',
    description,
    schema: () => z.strictObject({ tenantId: z.guid(), invoice: invoiceSchema, ...more?.() }),
  } satisfies EventDefinition,
  data: (occurrence: AnyOccurrence) => ({
    tenantId: occurrence.state.tenantId,
    invoice: toWire(occurrence.state, occurrence.command.acceptedAt),
    ...data?.(occurrence),
  }),
});

const further = ({ data, ...definition }: FurtherEvent<never>) => ({
  definition: { ...ofInvoice, ...definition } satisfies EventDefinition,
  data: (occurrence: AnyOccurrence) => data(occurrence),
});

/** What each action publishes, in this order. */
const published = Object.fromEntries(
  actions.map((action) => {
    const { event, furtherEvents = [] } = definitionOf(action);
    return [action, [snapshot(event), ...furtherEvents.map(further)]];
  }),
) as unknown as { readonly [S in Action]: readonly Published<S>[] };

export const eventsOf = <S extends Action>(action: S): readonly Published<S>[] => published[action];

/** Every event that tells of an invoice. */
export const invoiceEvents: readonly EventDefinition[] = actions.flatMap((action) =>
  eventsOf(action).map(({ definition }) => definition),
);

/** The event that tells of an action. */
export const eventOf = (action: Action): EventDefinition => {
  const [first] = eventsOf(action);
  if (!first) throw new TypeError(`Nothing is published of ${action}.`);
  return first.definition;
};
