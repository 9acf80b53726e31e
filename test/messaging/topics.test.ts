import { describe, expect, it } from 'vitest';
import { type TopicParts, environmentName, topicName, topicSegment } from '../../messaging/topics.ts';

const invoices: TopicParts = { scope: 'public', entity: 'Invoice' };

describe('environment', () => {
  it.each([
    { environment: 'development', name: 'dev' },
    { environment: 'production', name: 'prod' },
    { environment: 'test', name: 'test' },
    { environment: 'Production', name: 'prod' },
    { environment: 'DEVELOPMENT', name: 'dev' },
    { environment: 'staging', name: 'staging' },
    { environment: 'Staging-EU', name: 'staging-eu' },
    { environment: 'QA2', name: 'qa2' },
    { environment: 'dev', name: 'dev' },
    { environment: 'prod', name: 'prod' },
    // A name that every object of JavaScript knows is a name like any other.
    { environment: 'constructor', name: 'constructor' },
  ])('$environment is $name', ({ environment, name }) => {
    expect(environmentName(environment)).toBe(name);
    expect(topicName(environment, invoices)).toBe(`${name}.billing.public.invoices.v1`);
  });
});

describe('topic', () => {
  it.each([
    { entity: 'Invoice', topic: 'invoices' },
    { entity: 'Cashier', topic: 'cashiers' },
    { entity: 'Payment', topic: 'payments' },
    { entity: 'BusinessDay', topic: 'business-days' },
    { entity: 'LedgerEntry', topic: 'ledger-entries' },
    { entity: 'Category', topic: 'categories' },
    { entity: 'Currency', topic: 'currencies' },
    { entity: 'TaxClass', topic: 'tax-classes' },
    { entity: 'Box', topic: 'boxes' },
    { entity: 'PaymentStatus', topic: 'payment-statuses' },
    // Irregular, alone and as the last of several words.
    { entity: 'Person', topic: 'people' },
    { entity: 'SalesPerson', topic: 'sales-people' },
    { entity: 'Child', topic: 'children' },
    { entity: 'Foot', topic: 'feet' },
    { entity: 'PageFoot', topic: 'page-feet' },
    { entity: 'Analysis', topic: 'analyses' },
    { entity: 'CostAnalysis', topic: 'cost-analyses' },
    { entity: 'Index', topic: 'indices' },
    { entity: 'PriceIndex', topic: 'price-indices' },
    // Without a plural.
    { entity: 'Series', topic: 'series' },
    { entity: 'TimeSeries', topic: 'time-series' },
    { entity: 'Information', topic: 'information' },
    { entity: 'PaymentInformation', topic: 'payment-information' },
    // Only the last word is pluralised.
    { entity: 'SalesTax', topic: 'sales-taxes' },
    { entity: 'PersonName', topic: 'person-names' },
    // However it is written.
    { entity: 'ledgerEntry', topic: 'ledger-entries' },
    { entity: 'ledger_entry', topic: 'ledger-entries' },
    { entity: 'Ledger Entry', topic: 'ledger-entries' },
  ])('of the entity $entity is $topic', ({ entity, topic }) => {
    expect(topicName('development', { scope: 'public', entity })).toBe(`dev.billing.public.${topic}.v1`);
  });

  const given: { what: string; parts: TopicParts; name: string }[] = [
    {
      what: 'a topic that is given is not pluralised',
      parts: { scope: 'public', entity: 'Invoice', topic: 'billing-run' },
      name: 'dev.billing.public.billing-run.v1',
    },
    {
      what: 'nor is it written in kebab-case',
      parts: { scope: 'public', entity: 'Invoice', topic: 'billing_run' },
      name: 'dev.billing.public.billing_run.v1',
    },
    {
      what: 'it is lower case',
      parts: { scope: 'public', entity: 'Invoice', topic: 'Operations' },
      name: 'dev.billing.public.operations.v1',
    },
    {
      what: 'internal events have topics of their own',
      parts: { scope: 'internal', entity: 'Invoice' },
      name: 'dev.billing.internal.invoices.v1',
    },
    {
      what: 'an event of another system names its domain, the topic is derived all the same',
      parts: { domain: 'accounting', scope: 'public', entity: 'LedgerEntry' },
      name: 'dev.accounting.public.ledger-entries.v1',
    },
    {
      what: 'domain and topic given',
      parts: { domain: 'accounting', scope: 'public', entity: 'BusinessDay', topic: 'operations' },
      name: 'dev.accounting.public.operations.v1',
    },
    {
      what: 'another version',
      parts: { scope: 'public', entity: 'Invoice', topicVersion: 'v2' },
      name: 'dev.billing.public.invoices.v2',
    },
    {
      what: 'without version its dot goes, too',
      parts: { scope: 'public', entity: 'Invoice', topicVersion: null },
      name: 'dev.billing.public.invoices',
    },
    {
      what: 'everything given, and in lower case',
      parts: { domain: 'Accounting', scope: 'internal', entity: 'Person', topic: 'Person', topicVersion: 'V3' },
      name: 'dev.accounting.internal.person.v3',
    },
  ];
  it.each(given)('$what: $name', ({ parts, name }) => {
    expect(topicName('development', parts)).toBe(name);
  });

  // It is also the end of the CloudEvents' source.
  it('its segment alone is the one in the name', () => {
    expect(topicSegment({ scope: 'public', entity: 'LedgerEntry' })).toBe('ledger-entries');
    expect(topicSegment({ scope: 'public', entity: 'BusinessDay', topic: 'operations' })).toBe('operations');
  });
});
