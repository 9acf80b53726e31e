import type { Invoice } from '../../invoices/lifecycle.ts';
import { createHash } from 'node:crypto';
import { stringify } from 'safe-stable-stringify';
import { describe, expect, it } from 'vitest';
import { type AuditRow, type AuditedStep, NO_AUDIT, auditRow } from '../../commands/audit.ts';

const NOW = '2030-01-31T12:00:00.000Z';
const state: Invoice = {
  tenantId: '7c1b2f7e-54a5-4a55-9a11-1c7c4a1f0e01',
  id: '0b5f6a3e-8f0f-5d8e-9f0c-4f6d2a1b7c3d',
  name: 'Hosting, January',
  customerReference: null,
  status: 'cancelled',
  amountMinor: 1200,
  currency: 'EUR',
  dueDate: null,
  cashierId: null,
  number: null,
  amountPaidMinor: 0,
  paidAt: null,
  finalizedAt: null,
  cancelledAt: NOW,
  cancelReason: 'Ordered twice',
  version: 2,
  createdAt: NOW,
  updatedAt: NOW,
  overdueAt: null,
  overdueToldAt: null,
  remindersSent: 0,
};
const step: AuditedStep = {
  entityType: 'invoice',
  state,
  status: 'cancelled',
  action: 'cancel',
  command: { key: 'rest:5f2c', acceptedAt: NOW, actor: 'ada' },
  reason: 'Ordered twice',
};
const first = auditRow(NO_AUDIT, { ...step, action: 'create', reason: null });
const second = auditRow(first, step);

/**
 * As an auditor would check an entry: SHA-256 over the hash before it and its other columns as JSON, sorted by name.
 */
function isSound({ hash, previous_hash: before, ...entry }: AuditRow): boolean {
  const text = before + (stringify(entry) ?? '');
  return createHash('sha256').update(text).digest('hex') === hash;
}

describe('audit chain', () => {
  it('INV-12: entries are numbered from 1, and each names the hash before it', () => {
    expect(first).toMatchObject({ sequence: 1, previous_hash: '' });
    expect(second).toMatchObject({ sequence: 2, previous_hash: first.hash });
  });

  it('INV-12: who, when, what, why, by which command, and the whole entity', () => {
    expect(second).toMatchObject({
      tenant_id: state.tenantId,
      entity_type: 'invoice',
      entity_id: state.id,
      version: 2,
      action: 'cancel',
      actor: 'ada',
      at: NOW,
      status: 'cancelled',
      reason: 'Ordered twice',
      command_key: 'rest:5f2c',
    });
    expect(JSON.parse(second.body)).toEqual(state);
  });

  it('an entity without status has an empty one', () => {
    expect(auditRow(NO_AUDIT, { ...step, status: null }).status).toBe('');
  });

  it('the same entry has the same hash, whatever the order of its members', () => {
    const reversed = Object.fromEntries(Object.entries(state).toReversed()) as unknown as Invoice;
    expect(auditRow(first, { ...step, state: reversed })).toEqual(second);
  });

  it('an entry is checked with its own columns alone', () => {
    expect(isSound(first)).toBe(true);
    expect(isSound(second)).toBe(true);
  });

  // A column that the hash leaves out could be changed afterwards without anybody noticing.
  it.each(Object.keys(second) as (keyof AuditRow)[])('a later change of %s shows', (column) => {
    const value = second[column];
    for (const changed of [typeof value === 'number' ? value + 1 : `${value} `, null])
      expect(isSound({ ...second, [column]: changed })).toBe(false);
  });

  it.each(Object.keys(state) as (keyof Invoice)[])('another %s of the entity makes another hash', (member) => {
    const other = { ...state, [member]: 'another' };
    expect(auditRow(first, { ...step, state: other }).hash).not.toBe(second.hash);
  });

  it.each<Partial<AuditedStep>>([
    { entityType: 'cashier' },
    { status: 'draft' },
    { action: 'update' },
    { reason: null },
    { command: { ...step.command, key: 'rest:5f2d' } },
    { command: { ...step.command, actor: 'eve' } },
    { command: { ...step.command, acceptedAt: '2030-01-31T12:00:00.001Z' } },
  ])('another step makes another hash: %j', (other) => {
    expect(auditRow(first, { ...step, ...other }).hash).not.toBe(second.hash);
  });

  // Postgres gives an instant back in UTC to the millisecond, and a UUID in small letters: hashed as they came, the
  // chain would be broken for good.
  it.each(['2030-01-31T12:00:00Z', '2030-01-31T12:00:00.000000Z', '2030-01-31T14:00:00.000+02:00'])(
    'INV-12: an instant spelt %s is hashed as it is read back',
    (acceptedAt) => {
      expect(auditRow(first, { ...step, command: { ...step.command, acceptedAt } })).toEqual(second);
    },
  );

  it('INV-12: ids in capital letters are hashed as they are read back', () => {
    const loud = { ...state, tenantId: state.tenantId.toUpperCase(), id: state.id.toUpperCase() };
    const entry = auditRow(first, { ...step, state: loud });
    expect(entry).toMatchObject({ tenant_id: state.tenantId, entity_id: state.id });
    expect(isSound(entry)).toBe(true);
  });

  it('another entry before it makes another hash', () => {
    const forged = auditRow(NO_AUDIT, { ...step, action: 'create', reason: 'forged' });
    expect(forged.hash).not.toBe(first.hash);
    expect(auditRow(forged, step).hash).not.toBe(second.hash);
  });
});
