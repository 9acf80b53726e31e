import { describe, expect, it } from 'vitest';
import { type TopicParts, environmentName, topicName } from '../../events/topics.ts';

const invoices: TopicParts = { scope: 'public', entity: 'Invoice' };

describe('environment', () => {
  it.each([
    { environment: 'development', name: 'dev' },
    { environment: 'production', name: 'prod' },
    { environment: 'test', name: 'test' },
    { environment: 'Production', name: 'prod' },
    { environment: 'staging', name: 'staging' },
    { environment: 'QA2', name: 'qa2' },
  ])('$environment is $name', ({ environment, name }) => {
    expect(environmentName(environment)).toBe(name);
    expect(topicName(environment, invoices)).toBe(`${name}.billing.public.invoices.v1`);
  });
});

describe('topic', () => {
  it.each([
    { entity: 'Invoice', topic: 'invoices' },
    { entity: 'LedgerEntry', topic: 'ledger-entries' },
    { entity: 'Currency', topic: 'currencies' },
    { entity: 'TaxClass', topic: 'tax-classes' },
    { entity: 'Person', topic: 'people' },
    { entity: 'Child', topic: 'children' },
    { entity: 'Analysis', topic: 'analyses' },
    { entity: 'Series', topic: 'series' },
    { entity: 'SalesTax', topic: 'sales-taxes' },
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
      what: 'an event of another system names its domain',
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
      what: 'everything given',
      parts: { domain: 'Accounting', scope: 'internal', entity: 'Person', topic: 'Person', topicVersion: null },
      name: 'dev.accounting.internal.person',
    },
  ];
  it.each(given)('$what: $name', ({ parts, name }) => {
    expect(topicName('development', parts)).toBe(name);
  });
});
