/** What a kind of entity is to the transaction of commands: which rows are locked, read and written, and its names. */
import type { EntityState } from './decision.ts';
import type { TransactionClient } from '../platform/database.ts';
import { type Sql, sql, sqlJoin, sqlName } from '../platform/sql.ts';
import type { EventIds } from '../messaging/event.ts';
import type { AuditHead } from './audit.ts';
import { type Members, type Row, type StateOf, changingColumnsOf, fromRow, toRow } from './members.ts';
import type { Refusal } from './refusal.ts';

/** An entity as a command leaves it. */
export interface Change<State> {
  before: State | null;
  state: State;
  removed: boolean;
  audit: AuditHead;
}

export interface EntityDefinition<State extends EntityState = EntityState> {
  /** As the audit trail names it. */
  type: string;
  /** The ids that its events carry: what their keys and subjects are made of. */
  ids: (state: State) => EventIds;
  /** As the audit trail shows it; null for an entity without one. */
  status: (state: State) => string | null;
  /** Selects the rows that `wanted` names, locked in the order of their ids. */
  lock: Sql;
  load: (tx: TransactionClient, row: Row) => Promise<State> | State;
  /** The statements that store the changes, as named parts of one statement. */
  write: (changes: readonly Change<State>[]) => Sql[];
  /** What a violated constraint means to the caller, when it is his doing. */
  refusalOf: (constraint: string) => Refusal | undefined;
}

interface Entity<M extends Members, State extends StateOf<M> & EntityState> extends Pick<
  EntityDefinition<State>,
  'type' | 'ids' | 'status' | 'refusalOf'
> {
  /** Its key is tenant_id and id, and it has audit_sequence and audit_hash beside its members. */
  table: string;
  members: M;
  /** What is not in the row of its own table; read after the lock: read with the row, it could be older. */
  load?: (tx: TransactionClient, stored: StateOf<M>) => Promise<State>;
  /** Further columns, which follow from the state. */
  further?: { columns: readonly string[]; of: (state: State) => Row };
  /** Rows of other tables that hold a part of it. */
  parts?: (change: Change<State>) => Sql[];
}

const AUDIT_COLUMNS = ['audit_sequence', 'audit_hash'];

/** Without `load`, the type says more of the state than the members: a CHECK constraint holds that. */
export function defineEntity<M extends Members, State extends StateOf<M> & EntityState>({
  table,
  members,
  load = async (_tx, stored) => stored as State,
  further = { columns: [], of: () => ({}) },
  parts = () => [],
  ...names
}: Entity<M, State>): EntityDefinition<State> {
  const rows = sqlName(table);
  const changing = [...changingColumnsOf(members), ...further.columns, ...AUDIT_COLUMNS].map(sqlName);
  const assignments = sqlJoin(
    changing.map((column) => sql`${column} = excluded.${column}`),
    ', ',
  );
  const rowOf = ({ state, audit }: Change<State>): Row => ({
    ...toRow(members, state),
    ...further.of(state),
    audit_sequence: audit.sequence,
    audit_hash: audit.hash,
  });
  const upsert = (changes: readonly Change<State>[]): Sql => sql`the_entities AS (
    INSERT INTO ${rows}
    SELECT * FROM jsonb_populate_recordset(NULL::${rows}, ${JSON.stringify(changes.map(rowOf))}::jsonb)
    ON CONFLICT (tenant_id, id) DO UPDATE SET ${assignments})`;
  const removal = (changes: readonly Change<State>[]): Sql => sql`the_removed AS (
    DELETE FROM ${rows} WHERE (tenant_id, id) IN (
      SELECT tenant_id, id FROM jsonb_populate_recordset(NULL::${rows}, ${JSON.stringify(changes.map(rowOf))}::jsonb)))`;
  return {
    ...names,
    lock: sql`
      SELECT entity.* FROM ${rows} entity
      JOIN wanted ON entity.tenant_id = wanted.tenant_id AND entity.id = wanted.entity_id
      ORDER BY entity.tenant_id, entity.id FOR UPDATE OF entity`,
    load: (tx, row) => load(tx, fromRow(members, row)),
    write: (changes) => {
      const removed = changes.filter((change) => change.removed);
      const stored = changes.filter((change) => !change.removed);
      return [
        ...(stored.length > 0 ? [upsert(stored)] : []),
        ...(removed.length > 0 ? [removal(removed)] : []),
        ...stored.flatMap(parts),
      ];
    },
  };
}
