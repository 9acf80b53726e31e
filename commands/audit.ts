/**
 * The audit trail: one chain an entity. The hash of an entry covers its text and the hash before it, so that a later
 * change of any entry shows. What is hashed is what Postgres gives back: ids in small letters, instants in UTC to the
 * millisecond.
 */
import { createHash } from 'node:crypto';
import { stringify } from 'safe-stable-stringify';
import type { CommandHead, EntityState } from './decision.ts';

/** The last entry of an entity's chain; sequence 0 and no hash before the first. */
export interface AuditHead {
  sequence: number;
  hash: string;
}

export const NO_AUDIT: AuditHead = { sequence: 0, hash: '' };

export interface AuditedStep {
  /** invoice, cashier, dead_letter ... */
  entityType: string;
  /** The whole of it stands in the entry. */
  state: EntityState;
  /** What the entity's status is after the step; null for one that has no status. */
  status: string | null;
  action: string;
  command: Pick<CommandHead, 'actor' | 'acceptedAt' | 'key'>;
  reason: string | null;
}

/** A row of `audit_entries`, by the names of its columns. */
export interface AuditRow {
  tenant_id: string;
  entity_type: string;
  entity_id: string;
  sequence: number;
  version: number;
  action: string;
  actor: string;
  at: string;
  status: string;
  reason: string | null;
  command_key: string;
  body: string;
  previous_hash: string;
  hash: string;
}

/** The next entry of a chain, as a row of `audit_entries`. */
export function auditRow(
  head: AuditHead,
  { entityType, state, status, action, command, reason }: AuditedStep,
): AuditRow {
  const entry = {
    tenant_id: state.tenantId.toLowerCase(),
    entity_type: entityType,
    entity_id: state.id.toLowerCase(),
    sequence: head.sequence + 1,
    version: state.version,
    action,
    actor: command.actor,
    at: new Date(command.acceptedAt).toISOString(),
    status: status ?? '',
    reason,
    command_key: command.key,
    body: stringify(state),
  };
  return { ...entry, previous_hash: head.hash, hash: auditHash(head.hash, entry) };
}

/** The hash of an entry: over the hash before it, and its other columns as JSON, sorted by name. */
export const auditHash = (previousHash: string, entry: Omit<AuditRow, 'previous_hash' | 'hash'>): string =>
  createHash('sha256').update(previousHash).update(stringify(entry)).digest('hex');
