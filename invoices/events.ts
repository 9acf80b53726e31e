/** The events of the steps, as the catalogue has them and as the transaction publishes them. */
import { z } from 'zod';
import type { Occurrence, PublishedEvent } from '../commands/command.ts';
import { type EarlierVersion, type EventDefinition, type VersionedEvent, versionsOf } from '../messaging/event.ts';
import { type Action, type ActionBodies, type Invoice, actions, definitionOf } from './lifecycle.ts';
import { exampleOf } from './example.ts';
import type { FurtherEvent, InvoiceCommand, StepEvent } from './step.ts';
import { changeBetween, changeSchema, invoice2Schema, toInvoice2, toVersion1, toVersion2 } from './versions.ts';
import { invoiceSchema, toWire } from './wire.ts';

/** What all events of an invoice have in common: its key, its subject. */
const ofInvoice = { entity: 'Invoice', key: ['tenantId', 'invoiceId'], subject: 'invoiceId' } as const;

type Published<S extends Action> = PublishedEvent<Invoice, InvoiceCommand<ActionBodies[S]>>;
type AnyOccurrence = Occurrence<Invoice, InvoiceCommand<never>>;

const tenantId = () => z.guid();

/** The invoice as it is after the step, what the step changed, and what it says more. */
function snapshot(action: Action, { name, description, more, data }: StepEvent<never, z.ZodRawShape>) {
  const dataOf = (occurrence: AnyOccurrence) => {
    const { before, state, command } = occurrence;
    const invoice = toInvoice2(toWire(state, command.acceptedAt));
    const change = changeBetween(before && toInvoice2(toWire(before, command.acceptedAt)), invoice);
    return { tenantId: state.tenantId, invoice, change, ...data?.(occurrence) };
  };
  const example = () => dataOf(exampleOf(action) as AnyOccurrence);
  const definition = {
    ...ofInvoice,
    name,
    scope: 'public',
    version: 2,
    topicVersion: 'v2',
    description,
    schema: () =>
      z.strictObject({
        tenantId: tenantId(),
        invoice: invoice2Schema,
        change: changeSchema.nullable().meta({
          description: 'null where it is not known: of an event of before this version, whose predecessor is gone',
        }),
        ...more?.(),
      }),
    example,
  } satisfies EventDefinition;
  const first = {
    ...ofInvoice,
    name,
    scope: 'public',
    version: 1,
    description,
    schema: () => z.strictObject({ tenantId: tenantId(), invoice: invoiceSchema, ...more?.() }),
    example: () => toVersion1(example()),
  } satisfies EventDefinition;
  const earlier: EarlierVersion[] = [{ definition: first, of: toVersion1, later: toVersion2 }];
  return { definition, data: dataOf, earlier };
}

const further = (action: Action, { data, ...definition }: FurtherEvent<never>) => ({
  definition: {
    ...ofInvoice,
    version: 1,
    ...definition,
    example: () => data(exampleOf(action) as AnyOccurrence),
  } satisfies EventDefinition,
  data: (occurrence: AnyOccurrence) => data(occurrence),
});

/** What each action publishes, in this order. */
const published = Object.fromEntries(
  actions.map((action) => {
    const { event, furtherEvents = [] } = definitionOf(action);
    return [action, [snapshot(action, event), ...furtherEvents.map((one) => further(action, one))]];
  }),
) as unknown as { readonly [S in Action]: readonly Published<S>[] };

export const eventsOf = <S extends Action>(action: S): readonly Published<S>[] => published[action];

/** Every event of an invoice, as it is told. */
export const publishedInvoiceEvents: readonly VersionedEvent[] = actions.flatMap(eventsOf);

/** Every event that tells of an invoice, in every version. */
export const invoiceEvents: readonly EventDefinition[] = publishedInvoiceEvents.flatMap(versionsOf);

/** The events that tell of an action, the first version first. */
export function eventVersionsOf(action: Action): readonly EventDefinition[] {
  const [first] = eventsOf(action);
  if (!first) throw new TypeError(`Nothing is published of ${action}.`);
  return versionsOf(first);
}
