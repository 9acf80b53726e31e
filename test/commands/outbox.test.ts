import { eventNamed } from '../support/events.ts';
import { describe, expect, it } from 'vitest';
import { SLOTS, slotOf } from '../../commands/outbox.ts';
import { outboxRow } from '../support/outbox.ts';

const ids = { tenantId: '7c1b2f7e-54a5-4a55-9a11-1c7c4a1f0e01', invoiceId: '0b5f6a3e-8f0f-5d8e-9f0c-4f6d2a1b7c3d' };
const key = `${ids.tenantId}|${ids.invoiceId}`;
const settings = { environment: 'test', publicUrl: 'https://billing.example' };

describe('a row of the outbox', () => {
  const context = { time: '2030-01-31T12:00:00.000Z', causationId: 'rest:5f2c', actor: 'ann' };
  const row = () => outboxRow(eventNamed('InvoiceUpdated'), ids, { amount: '1.00' }, context, settings);

  // What is sent is what was written here, whoever sends it and whenever.
  it('MSG-02, MSG-03: place and record of the event, as text; its sequence comes to stand in the empty header', () => {
    const { id, headers, ...rest } = row();
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(rest).toEqual({
      tenant_id: ids.tenantId,
      stream: `test.billing.public.invoices.v1|${key}`,
      line: `test.billing.public.invoices.v1|${key}`,
      version: 1,
      slot: slotOf(key),
      topic: 'test.billing.public.invoices.v1',
      partition_key: key,
      type: 'billing.invoice.updated.v1',
      value: '{"amount":"1.00"}',
    });
    expect(JSON.parse(headers)).toMatchObject({
      ce_id: id,
      ce_sequence: '',
      ce_time: context.time,
      ce_causationid: 'rest:5f2c',
      ce_actor: 'ann',
      ce_factid: id,
    });
  });

  it('MSG-03: two facts never share an id', () => {
    expect(row().id).not.toBe(row().id);
  });
});

describe('slots', () => {
  // Relays share the slots; a key that changed its slot would let two relays send one stream.
  it('MSG-02: a partition key always has the same slot, and the slots are spread', () => {
    const slots = Array.from({ length: 5000 }, (_, n) => slotOf(`${ids.tenantId}|${n}`));
    expect(slots).toEqual(Array.from({ length: 5000 }, (_, n) => slotOf(`${ids.tenantId}|${n}`)));
    expect(slots.every((slot) => Number.isInteger(slot) && slot >= 0 && slot < SLOTS)).toBe(true);
    expect(new Set(slots).size).toBeGreaterThan(SLOTS * 0.9);
    expect(slotOf('a stream of yesterday')).toBe(654);
  });
});
