/** Whose command an update is: the key, the fingerprint, and what is refused at once. */
import type { StepRequest } from '../../workflows/contract/invoice.ts';
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checkIdentity, identityOf } from '../../workflows/identity.ts';

const INVOICE = '0b5f6a3e-8f0f-5d8e-9f0c-4f6d2a1b7c3d';
const NOW = '2030-01-31T12:00:00.000Z';
const arrival = { invoiceId: INVOICE, updateId: 'TICKET-9', now: NOW };
const request = (changes: Partial<StepRequest> = {}): StepRequest => ({
  actor: 'eve',
  body: { name: 'Hosting', dueDate: null },
  ...changes,
});
const identity = { key: 'rest:5f2c', fingerprint: 'f', attemptId: 'TICKET-9', acceptedAt: NOW };

describe('a command of staff', () => {
  it('INV-03: its key names the invoice: the same Update ID is another key at another invoice', () => {
    const other = { ...arrival, invoiceId: randomUUID() };
    const [one, two] = [identityOf('update', request(), arrival), identityOf('update', request(), other)];
    expect(one.key).toContain(INVOICE);
    expect(one.key).not.toBe(two.key);
    expect(one).toMatchObject({ attemptId: 'TICKET-9', acceptedAt: NOW });
  });

  it.each<[string, Partial<StepRequest>]>([
    ['another value', { body: { name: 'Backup', dueDate: null } }],
    ['a member more', { body: { name: 'Hosting', dueDate: null, cashierId: null } }],
    ['another version', { expectedVersion: 2 }],
  ])('INV-03: %s is another request', (_what, changes) => {
    expect(identityOf('update', request(changes), arrival).fingerprint).not.toBe(
      identityOf('update', request(), arrival).fingerprint,
    );
  });

  it('INV-03: another step is another request', () => {
    const empty = request({ body: {} });
    expect(identityOf('finalize', empty, arrival).fingerprint).not.toBe(
      identityOf('update', empty, arrival).fingerprint,
    );
  });

  it('INV-03: the order of members, who sends it, and a version that is absent or null do not count', () => {
    const same = request({ actor: 'bob', body: { dueDate: null, name: 'Hosting' }, expectedVersion: null });
    expect(identityOf('update', same, arrival)).toEqual(identityOf('update', request(), arrival));
  });
});

describe('a command of our own senders', () => {
  it.each(['2030-01-31T12:00:00Z', '2030-01-31T14:00:00.000+02:00'])(
    'INV-12: an instant of acceptance spelt %s is taken over as Postgres gives it back',
    (acceptedAt) => {
      expect(identityOf('update', request({ identity: { ...identity, acceptedAt } }), arrival)).toEqual(identity);
    },
  );

  it('INV-03: an identity counts for its own update alone: copied from a history, it is refused', () => {
    expect(() => checkIdentity('pay', request({ identity }), 'TICKET-9')).not.toThrow();
    expect(() => checkIdentity('pay', request({ identity }), randomUUID())).toThrow(/leave it out/);
    expect(() => checkIdentity('pay', request(), randomUUID())).not.toThrow();
  });

  it('create is taken from the service alone, and the refusal says what to do', () => {
    expect(() => checkIdentity('create', request({ identity }), 'TICKET-9')).not.toThrow();
    expect(() => checkIdentity('create', request(), 'TICKET-9')).toThrow(/drafted over REST/);
  });
});
