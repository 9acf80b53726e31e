import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type EventRow, catalog, eventNames } from '../../messaging/catalogue.ts';
import { CatalogError, checkCatalog } from '../../messaging/check-catalogue.ts';
import { eventType, typeOf } from '../../messaging/cloud-event.ts';

const paid: EventRow = {
  entity: 'Invoice',
  scope: 'public',
  version: 1,
  key: ['tenantId', 'invoiceId'],
  subject: 'invoiceId',
  schema: z.object({}),
  description: 'An invoice was paid.',
};
const { schema: _schema, ...withoutSchema } = paid;

/** The lines of the complaint; none when there is nothing to complain about. */
function faultsOf(rows: Record<string, EventRow>, handled: string[] = []): string[] {
  try {
    checkCatalog(rows, handled);
  } catch (error) {
    if (error instanceof CatalogError)
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
    expect(() => checkCatalog(catalog, eventNames)).not.toThrow();
  });

  it.each<{ what: string; rows: Record<string, EventRow>; same: string; type: string }>([
    {
      what: 'one name and one version',
      rows: { InvoicePaid: paid, InvoicePaidAgain: { ...paid, name: 'InvoicePaid' } },
      same: 'InvoicePaid and InvoicePaidAgain',
      type: 'billing.invoice.paid.v1',
    },
    {
      what: 'two new versions',
      rows: {
        InvoicePaid: paid,
        InvoicePaidV2: { ...paid, name: 'InvoicePaid', version: 2 },
        InvoicePaidLater: { ...paid, name: 'InvoicePaid', version: 2 },
      },
      same: 'InvoicePaidV2 and InvoicePaidLater',
      type: 'billing.invoice.paid.v2',
    },
    {
      what: 'the name of its entity, said and left out',
      rows: { InvoicePaid: paid, Paid: paid },
      same: 'InvoicePaid and Paid',
      type: 'billing.invoice.paid.v1',
    },
    {
      what: 'two scopes',
      rows: { InvoicePaid: paid, InvoicePaidInside: { ...paid, name: 'InvoicePaid', scope: 'internal' } },
      same: 'InvoicePaid and InvoicePaidInside',
      type: 'billing.invoice.paid.v1',
    },
    {
      what: 'two topics',
      rows: { InvoicePaid: paid, InvoicePaidThere: { ...paid, name: 'InvoicePaid', topic: 'operations' } },
      same: 'InvoicePaid and InvoicePaidThere',
      type: 'billing.invoice.paid.v1',
    },
    {
      what: 'the default domain, said and left out',
      rows: { InvoicePaid: paid, InvoicePaidHere: { ...paid, name: 'InvoicePaid', domain: 'billing' } },
      same: 'InvoicePaid and InvoicePaidHere',
      type: 'billing.invoice.paid.v1',
    },
    {
      what: 'three events',
      rows: { InvoicePaid: paid, Paid: paid, AlsoPaid: { ...paid, name: 'Paid' } },
      same: 'InvoicePaid and Paid and AlsoPaid',
      type: 'billing.invoice.paid.v1',
    },
  ])('MSG-05: two events with one type are a fault: $what', ({ rows, same, type }) => {
    expect(faultsOf(rows)).toEqual([`${same} have one type, ${type}: each needs a name or a version of its own.`]);
  });

  it.each<{ what: string; other: EventRow }>([
    { what: 'version', other: { ...paid, name: 'InvoicePaid', version: 2 } },
    { what: 'name', other: { ...paid, name: 'InvoicePaidInPart' } },
    { what: 'domain', other: { ...paid, name: 'InvoicePaid', domain: 'accounting' } },
    { what: 'entity', other: { ...paid, name: 'CreditPaid', entity: 'Credit' } },
  ])('MSG-05: another $what makes another event', ({ other }) => {
    expect(faultsOf({ InvoicePaid: paid, Other: other })).toEqual([]);
  });

  it('PAY-05: what is handled must have a schema; what nobody handles need not', () => {
    const rows = { InvoicePaid: withoutSchema };
    expect(faultsOf(rows)).toEqual([]);
    expect(faultsOf(rows, ['InvoicePaid'])).toEqual([
      'InvoicePaid is handled, but it has no schema by which its data could be read.',
    ]);
  });

  it.each(['InvoicePayed', 'toString'])('PAY-05: what is handled must be in the catalogue; %j is not', (name) => {
    expect(faultsOf({ InvoicePaid: paid }, [name])).toEqual([
      `${name} is handled, but the catalogue has no such event.`,
    ]);
  });

  it('PAY-05: versions of one event are handled by the names of their members', () => {
    const rows = { InvoicePaid: paid, InvoicePaidV2: { ...withoutSchema, name: 'InvoicePaid', version: 2 } };
    expect(faultsOf(rows, ['InvoicePaid'])).toEqual([]);
    expect(faultsOf(rows, ['InvoicePaidV2'])).toHaveLength(1);
  });

  // Who mends a catalogue would otherwise start the service once for each mistake.
  it('tells every fault at once', () => {
    const rows = { InvoicePaid: paid, Paid: paid, Lost: { ...withoutSchema, entity: 'Parcel' } };
    expect(faultsOf(rows, ['Lost', 'Found', 'Paid'])).toEqual([
      expect.stringContaining('billing.invoice.paid.v1'),
      expect.stringContaining('Lost'),
      expect.stringContaining('Found'),
    ]);
  });
});

describe('type', () => {
  it.each<{ member: string; row: Partial<EventRow>; type: string }>([
    { member: 'InvoicePaid', row: {}, type: 'billing.invoice.paid.v1' },
    { member: 'InvoicePaidV2', row: { name: 'InvoicePaid', version: 2 }, type: 'billing.invoice.paid.v2' },
    { member: 'InvoicePaymentReminderDue', row: {}, type: 'billing.invoice.payment-reminder-due.v1' },
    { member: 'EntryPosted', row: { entity: 'LedgerEntry' }, type: 'billing.ledger-entry.entry-posted.v1' },
    { member: 'LedgerEntryPosted', row: { entity: 'LedgerEntry' }, type: 'billing.ledger-entry.posted.v1' },
    {
      member: 'BusinessDayEnded',
      row: { entity: 'BusinessDay', domain: 'accounting' },
      type: 'accounting.business-day.ended.v1',
    },
    { member: 'InvoicePaid', row: { topic: 'operations', topicVersion: 'v7' }, type: 'billing.invoice.paid.v1' },
  ])('of $member is $type', ({ member, row, type }) => {
    expect(typeOf(member, { ...paid, ...row })).toBe(type);
  });

  it('of an event of the catalogue is that of its row', () => {
    expect(eventNames.map(eventType)).toEqual(eventNames.map((name) => typeOf(name, catalog[name])));
  });
});
