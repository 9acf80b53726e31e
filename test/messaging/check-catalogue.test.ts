import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { catalogue } from '../../registry/catalogue.ts';
import type { EventDefinition } from '../../messaging/event.ts';
import { CatalogueError, checkCatalogue } from '../../messaging/check-catalogue.ts';
import { eventType } from '../../messaging/cloud-event.ts';

const paid: EventDefinition = {
  name: 'InvoicePaid',
  entity: 'Invoice',
  scope: 'public',
  version: 1,
  key: ['tenantId', 'invoiceId'],
  subject: 'invoiceId',
  schema: () => z.object({}),
  description: 'An invoice was paid.',
};
const { schema: _schema, ...withoutSchema } = paid;

/** The lines of the complaint; none when there is nothing to complain about. */
function faultsOf(events: EventDefinition[], handled: EventDefinition[] = []): string[] {
  try {
    checkCatalogue(events, handled);
  } catch (error) {
    if (error instanceof CatalogueError)
      return error.message
        .split('\n')
        .slice(1)
        .map((line) => line.trim());
    throw error;
  }
  return [];
}

describe('catalogue', () => {
  it('ours is right, whatever of it is handled', () => {
    expect(() => checkCatalogue(catalogue, catalogue)).not.toThrow();
  });

  const type = 'billing.invoice.paid.v1';
  it.each<{ what: string; events: EventDefinition[]; same: string; type: string }>([
    { what: 'one name and one version', events: [paid, { ...paid }], same: 'InvoicePaid and InvoicePaid', type },
    {
      what: 'two new versions',
      events: [paid, { ...paid, version: 2 }, { ...paid, version: 2 }],
      same: 'InvoicePaid and InvoicePaid',
      type: 'billing.invoice.paid.v2',
    },
    {
      what: 'the name of its entity, said and left out',
      events: [paid, { ...paid, name: 'Paid' }],
      same: 'InvoicePaid and Paid',
      type,
    },
    { what: 'two scopes', events: [paid, { ...paid, scope: 'internal' }], same: 'InvoicePaid and InvoicePaid', type },
    { what: 'two topics', events: [paid, { ...paid, topic: 'operations' }], same: 'InvoicePaid and InvoicePaid', type },
    {
      what: 'the default domain, said and left out',
      events: [paid, { ...paid, domain: 'billing' }],
      same: 'InvoicePaid and InvoicePaid',
      type,
    },
    {
      what: 'three events',
      events: [paid, { ...paid, name: 'Paid' }, { ...paid, name: 'Paid' }],
      same: 'InvoicePaid and Paid and Paid',
      type,
    },
  ])('MSG-05: two events with one type are a fault: $what', ({ events, same, type: shared }) => {
    expect(faultsOf(events)).toEqual([`${same} have one type, ${shared}: each needs a name or a version of its own.`]);
  });

  it.each<{ what: string; other: EventDefinition }>([
    { what: 'version', other: { ...paid, name: 'InvoicePaid', version: 2 } },
    { what: 'name', other: { ...paid, name: 'InvoicePaidInPart' } },
    { what: 'domain', other: { ...paid, name: 'InvoicePaid', domain: 'accounting' } },
    { what: 'entity', other: { ...paid, name: 'CreditPaid', entity: 'Credit' } },
  ])('MSG-05: another $what makes another event', ({ other }) => {
    expect(faultsOf([paid, other])).toEqual([]);
  });

  it('PAY-05: what is handled must have a schema; what nobody handles need not', () => {
    expect(faultsOf([withoutSchema])).toEqual([]);
    expect(faultsOf([withoutSchema], [withoutSchema])).toEqual([
      'InvoicePaid is handled, but it has no schema by which its data could be read.',
    ]);
  });

  it.each(['InvoicePayed', 'toString'])('PAY-05: what is handled must be in the catalogue; %j is not', (name) => {
    expect(faultsOf([paid], [{ ...paid, name }])).toEqual([`${name} is handled, but the catalogue has no such event.`]);
  });

  it('PAY-05: versions of one event are handled each by its own definition', () => {
    const second = { ...withoutSchema, version: 2 };
    expect(faultsOf([paid, second], [paid])).toEqual([]);
    expect(faultsOf([paid, second], [second])).toHaveLength(1);
  });

  // Who mends a catalogue would otherwise start the service once for each mistake.
  it('tells every fault at once', () => {
    const short = { ...paid, name: 'Paid' };
    const lost = { ...withoutSchema, name: 'Lost', entity: 'Parcel' };
    expect(faultsOf([paid, short, lost], [lost, { ...paid, name: 'Found' }, short])).toEqual([
      expect.stringContaining('billing.invoice.paid.v1'),
      expect.stringContaining('Lost'),
      expect.stringContaining('Found'),
    ]);
  });
});

describe('type', () => {
  it.each<{ name: string; row: Partial<EventDefinition>; type: string }>([
    { name: 'InvoicePaid', row: {}, type: 'billing.invoice.paid.v1' },
    { name: 'InvoicePaid', row: { version: 2 }, type: 'billing.invoice.paid.v2' },
    { name: 'InvoicePaymentReminderDue', row: {}, type: 'billing.invoice.payment-reminder-due.v1' },
    { name: 'EntryPosted', row: { entity: 'LedgerEntry' }, type: 'billing.ledger-entry.entry-posted.v1' },
    { name: 'LedgerEntryPosted', row: { entity: 'LedgerEntry' }, type: 'billing.ledger-entry.posted.v1' },
    {
      name: 'BusinessDayEnded',
      row: { entity: 'BusinessDay', domain: 'accounting' },
      type: 'accounting.business-day.ended.v1',
    },
    { name: 'InvoicePaid', row: { topic: 'operations', topicVersion: 'v7' }, type: 'billing.invoice.paid.v1' },
  ])('of $name is $type', ({ name, row, type }) => {
    expect(eventType({ ...paid, ...row, name })).toBe(type);
  });
});
