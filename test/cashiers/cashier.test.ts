import { type Cashier, cashierSchema, cashierToWire } from '../../cashiers/members.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CashierLookups } from '../../cashiers/step.ts';
import { type CashierCommand, decideCashier } from '../../cashiers/cashier.ts';
import { acceptsCurrency } from '../../cashiers/currencies.ts';
import { cashierPageSchema } from '../../cashiers/schemas.ts';
import { acceptCurrencySchema, createCashierSchema, updateCashierSchema } from '../support/bodies.ts';

const TENANT = '7c1b2f7e-54a5-4a55-9a11-1c7c4a1f0e01';
const ID = '3f0a4c55-0a5e-4f0a-9b36-6a1f0a9d7c11';
const CREATED = '2030-01-01T08:00:00.000Z';
const NOW = '2030-01-31T12:00:00.000Z';

const cashier: Cashier = {
  tenantId: TENANT,
  id: ID,
  name: 'Kasse Nord',
  email: 'nord@example.com',
  version: 3,
  createdAt: CREATED,
  updatedAt: CREATED,
  currencies: [
    { currency: 'CHF', effectiveFrom: '2030-01-01' },
    { currency: 'USD', effectiveFrom: '2030-02-01' },
  ],
};

/** A command of each step that is right in every respect. */
const head = { tenantId: TENANT, cashierId: ID, acceptedAt: NOW, expectedVersion: null };
const create: CashierCommand<'create'> = {
  ...head,
  step: 'create',
  body: { name: 'Kasse Nord', email: 'Nord@Example.com' },
};
const update: CashierCommand<'update'> = { ...head, step: 'update', body: { name: 'Kasse Süd' } };
const remove: CashierCommand<'delete'> = { ...head, step: 'delete', body: {} };
const accept: CashierCommand<'acceptCurrency'> = {
  ...head,
  step: 'acceptCurrency',
  body: { currency: 'EUR', effectiveFrom: '2030-03-01' },
};
const drop: CashierCommand<'dropCurrency'> = { ...head, step: 'dropCurrency', body: { currency: 'USD' } };
const onExisting: CashierCommand[] = [update, remove, accept, drop];

const refusalOf = (state: Cashier | null, command: CashierCommand, facts?: CashierLookups) => {
  const decision = decideCashier(state, command, facts);
  return decision.kind === 'refused' ? decision.refusal : undefined;
};
const codeOf = (...given: Parameters<typeof refusalOf>) => refusalOf(...given)?.code;

describe('create', () => {
  it('CSH-01: is version 1, with both dates now, the e-mail as it was written, and no currency listed', () => {
    expect(decideCashier(null, create)).toEqual({
      kind: 'accepted',
      state: {
        tenantId: TENANT,
        id: ID,
        name: 'Kasse Nord',
        email: 'Nord@Example.com',
        version: 1,
        createdAt: NOW,
        updatedAt: NOW,
        currencies: [],
      },
      reason: null,
    });
  });

  it('CSH-01: refuses an e-mail address that another cashier has', () => {
    expect(codeOf(null, create, { emailTaken: true })).toBe('email_taken');
  });

  it('CSH-01: a cashier under the id of the key means that the key was used for another create', () => {
    expect(codeOf(cashier, create, { emailTaken: true })).toBe('idempotency_key_reused');
  });
});

describe('the order of checks', () => {
  it.each(onExisting)('CSH-02: $step of a cashier that does not exist is refused first', (command) => {
    const given = { ...command, expectedVersion: 9 } as CashierCommand;
    expect(codeOf(null, given, { emailTaken: true, inUse: true })).toBe('cashier_not_found');
  });

  it.each(onExisting)('CSH-02: $step at another version is refused before the business checks', (command) => {
    const given = { ...command, expectedVersion: 2 } as CashierCommand;
    expect(refusalOf(cashier, given, { emailTaken: true, inUse: true })).toMatchObject({
      code: 'version_conflict',
      members: { currentVersion: 3 },
    });
    expect(decideCashier(cashier, { ...command, expectedVersion: 3 }).kind).toBe('accepted');
  });
});

describe('update', () => {
  it('CSH-02: changes the members given and leaves the others', () => {
    expect(decideCashier(cashier, update)).toEqual({
      kind: 'accepted',
      state: { ...cashier, name: 'Kasse Süd', version: 4, updatedAt: NOW },
      reason: null,
    });
    const email = { ...update, body: { email: 'sued@example.com' } };
    expect(decideCashier(cashier, email)).toMatchObject({ state: { name: 'Kasse Nord', email: 'sued@example.com' } });
  });

  it('CSH-02: an empty update is a new version', () => {
    expect(decideCashier(cashier, { ...update, body: {} })).toMatchObject({ kind: 'accepted', state: { version: 4 } });
  });

  it('CSH-01: refuses an e-mail address that another cashier has, if the command names one', () => {
    const email = { ...update, body: { email: 'sued@example.com' } };
    expect(codeOf(cashier, email, { emailTaken: true })).toBe('email_taken');
    expect(codeOf(cashier, update, { emailTaken: true })).toBeUndefined();
  });
});

describe('delete', () => {
  it('CSH-02: is the last version', () => {
    expect(decideCashier(cashier, remove)).toEqual({
      kind: 'accepted',
      state: { ...cashier, version: 4, updatedAt: NOW },
      reason: null,
      removed: true,
    });
  });

  it('CSH-03: refuses a cashier with invoices', () => {
    expect(codeOf(cashier, remove, { inUse: true })).toBe('cashier_in_use');
  });
});

describe('currencies', () => {
  it('CSH-04: a new one is added, sorted by code, without a new version', () => {
    expect(decideCashier(cashier, accept)).toEqual({
      kind: 'accepted',
      state: {
        ...cashier,
        currencies: [
          { currency: 'CHF', effectiveFrom: '2030-01-01' },
          { currency: 'EUR', effectiveFrom: '2030-03-01' },
          { currency: 'USD', effectiveFrom: '2030-02-01' },
        ],
      },
      reason: null,
    });
  });

  it('CSH-04: one that is listed gets the new first day', () => {
    const again = { ...accept, body: { currency: 'CHF', effectiveFrom: '2031-01-01' } };
    expect(decideCashier(cashier, again)).toMatchObject({
      state: {
        version: 3,
        currencies: [
          { currency: 'CHF', effectiveFrom: '2031-01-01' },
          { currency: 'USD', effectiveFrom: '2030-02-01' },
        ],
      },
    });
  });

  it('CSH-04: dropping takes one off the list; dropping what is not listed changes nothing', () => {
    expect(decideCashier(cashier, drop)).toEqual({
      kind: 'accepted',
      state: { ...cashier, currencies: [{ currency: 'CHF', effectiveFrom: '2030-01-01' }] },
      reason: null,
    });
    const unlisted = { ...drop, body: { currency: 'JPY' } };
    expect(decideCashier(cashier, unlisted)).toEqual({ kind: 'replayed', state: cashier });
  });

  it('CSH-04: whatever is accepted and dropped, in any order, each code is listed once and the codes are sorted', () => {
    const code = fc.constantFrom('AUD', 'CHF', 'EUR', 'JPY', 'USD');
    const steps = fc.array(fc.tuple(fc.boolean(), code), { maxLength: 20 });
    fc.assert(
      fc.property(steps, (done) => {
        let state: Cashier = { ...cashier, currencies: [] };
        const listed = new Set<string>();
        for (const [taken, currency] of done) {
          const command: CashierCommand = taken
            ? { ...accept, body: { currency, effectiveFrom: '2030-01-01' } }
            : { ...drop, body: { currency } };
          const decision = decideCashier(state, command);
          if (decision.kind !== 'refused') ({ state } = decision);
          if (taken) listed.add(currency);
          else listed.delete(currency);
        }
        expect(state.currencies.map(({ currency }) => currency)).toEqual([...listed].toSorted());
      }),
    );
  });

  it.each([
    ['a listed currency on its first day', 'USD', '2030-02-01', true],
    ['a listed currency after it', 'CHF', '2030-06-01', true],
    ['a listed currency before it', 'USD', '2030-01-31', false],
    ['a currency that is not listed', 'EUR', '2030-06-01', false],
  ])('CSH-04: %s', (_what, currency, day, accepts) => {
    expect(acceptsCurrency(cashier.currencies, currency, day)).toBe(accepts);
  });

  it('CSH-04: none listed means all', () => {
    expect(acceptsCurrency([], 'JPY', '2030-01-01')).toBe(true);
  });
});

it('a decision changes neither the state nor the command', () => {
  for (const command of onExisting) {
    const before = structuredClone({ cashier, command });
    decideCashier(cashier, command);
    expect({ cashier, command }).toEqual(before);
  }
});

describe('shapes', () => {
  const pathsOf = (schema: typeof createCashierSchema | typeof updateCashierSchema, value: unknown) =>
    schema.safeParse(value).error?.issues.map(({ path, code }) => [path.join('.'), code]);

  it('CSH-01: name and e-mail are trimmed, and both are required', () => {
    expect(createCashierSchema.parse({ name: ' Kasse Nord ', email: ' Nord@Example.com ' })).toEqual({
      name: 'Kasse Nord',
      email: 'Nord@Example.com',
    });
    expect(pathsOf(createCashierSchema, {})?.map(([path]) => path)).toEqual(['name', 'email']);
  });

  it.each([
    ['a short name', { name: 'K' }, 'name', 'too_small'],
    ['a long name', { name: 'K'.repeat(101) }, 'name', 'too_big'],
    ['a name with a line break', { name: 'Kasse\nNord' }, 'name', 'invalid_format'],
    ['an e-mail without a domain', { email: 'nord@' }, 'email', 'invalid_format'],
    ['an e-mail with a space', { email: 'no rd@example.com' }, 'email', 'invalid_format'],
    ['a long e-mail', { email: `${'n'.repeat(243)}@example.com` }, 'email', 'too_big'],
    ['an e-mail that is null', { email: null }, 'email', 'invalid_type'],
    ['an unknown member', { phone: '110' }, '', 'unrecognized_keys'],
  ])('CSH-01: refuses %s', (_what, change, path, code) => {
    const body = { name: 'Kasse Nord', email: 'nord@example.com', ...change };
    expect(pathsOf(createCashierSchema, body)).toEqual([[path, code]]);
    expect(pathsOf(updateCashierSchema, change)).toEqual([[path, code]]);
  });

  it('CSH-01: takes the longest name and e-mail', () => {
    const email = `${'n'.repeat(242)}@example.com`;
    expect(email).toHaveLength(254);
    expect(createCashierSchema.safeParse({ name: 'K'.repeat(100), email }).success).toBe(true);
  });

  it.each([
    [{}],
    [{ effectiveFrom: '2030-02-30' }],
    [{ effectiveFrom: '2030-01-01T00:00:00Z' }],
    [{ effectiveFrom: null }],
  ])('CSH-04: effectiveFrom is a calendar date, and required: %j', (body) => {
    expect(acceptCurrencySchema.safeParse(body).success).toBe(false);
  });

  it('CSH-02: a page has 1 to 200 cashiers, 50 when nothing is said', () => {
    expect(cashierPageSchema.parse({})).toEqual({ limit: 50 });
    expect(cashierPageSchema.parse({ limit: '200' })).toEqual({ limit: 200 });
    for (const limit of ['0', '201', '1.5', 'x']) expect(cashierPageSchema.safeParse({ limit }).success).toBe(false);
  });

  it('CSH-02: what goes out is what the schema says, without tenant and currencies', () => {
    expect(cashierSchema.parse(cashierToWire(cashier))).toEqual({
      id: ID,
      name: 'Kasse Nord',
      email: 'nord@example.com',
      version: 3,
      createdAt: CREATED,
      updatedAt: CREATED,
    });
  });
});
