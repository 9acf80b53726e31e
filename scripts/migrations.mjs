/**
 * A migration runs while the version before goes on: it must hold up no reader or writer for long, and take nothing away
 * that the version before asks for. Prints what does, one line each; the exit code says whether anything does.
 *
 * What cannot be done so says it in its first line, `-- not beside a running service: <why>`. Then scripts/migrate.mjs
 * says so too before it applies it.
 */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'libpg-query';
import { NOT_BESIDE } from './migrate.mjs';
import { projectFolder } from './stack/settings.mjs';

/** Those up to this one are out, and were tried when they were made. */
const LAST_UNCHECKED = '20261129120700_drop_cashier_idx';

/** @returns {Promise<string[]>} what of this SQL is not safe, and what is in its place */
export async function faultsOf(sql) {
  const statements = (await parse(sql)).stmts.map(({ stmt }) => Object.entries(stmt)[0]);
  const made = new Set(statements.flatMap(([kind, { relation }]) => (kind === 'CreateStmt' ? [relation.relname] : [])));
  const faults = statements.flatMap(([kind, statement]) =>
    made.has(statement.relation?.relname) ? [] : (checks[kind]?.(statement) ?? []),
  );
  const isConcurrent = statements.some(([, { concurrent }]) => concurrent);
  if (isConcurrent && statements.length > 1)
    faults.push('what is CONCURRENTLY runs in no transaction: alone in its migration');
  return faults;
}

const checks = {
  IndexStmt: ({ idxname, concurrent }) =>
    concurrent ? [] : [`the index ${idxname} holds up every write while it is built: CREATE INDEX CONCURRENTLY`],
  DropStmt: ({ removeType, concurrent }) => {
    if (removeType === 'OBJECT_INDEX')
      return concurrent ? [] : ['an index is dropped under a lock: DROP INDEX CONCURRENTLY'];
    return [`the version before may ask for what is dropped (${removeType}): drop it a release later`];
  },
  RenameStmt: ({ newname }) => [`the version before does not know ${newname}: add, fill, and drop a release later`],
  TruncateStmt: () => ['a table is emptied under a lock'],
  LockStmt: () => ['a table is locked'],
  ClusterStmt: () => ['a table is written anew under a lock'],
  VacuumStmt: () => ['that belongs to no migration'],
  ReindexStmt: ({ params = [] }) =>
    params.some(({ DefElem: { defname } }) => defname === 'concurrently')
      ? []
      : ['an index is built under a lock: REINDEX CONCURRENTLY'],
  UpdateStmt: ({ relation }) => [
    `rows of ${relation.relname} are locked until the commit: fill in pieces, by the service`,
  ],
  DeleteStmt: ({ relation }) => [
    `rows of ${relation.relname} are locked until the commit: delete in pieces, by the service`,
  ],
  AlterTableStmt: ({ cmds }) => cmds.flatMap(({ AlterTableCmd: command }) => faultsOfChange(command)),
};

function faultsOfChange({ subtype, name, def }) {
  switch (subtype) {
    case 'AT_AddColumn':
      return faultsOfColumn(def.ColumnDef);
    case 'AT_DropColumn':
      return [`the version before may ask for the column ${name}: drop it a release later`];
    case 'AT_AlterColumnType':
      return [
        `the table is written anew under a lock for the type of ${name}: add a column, fill it, drop the old one later`,
      ];
    case 'AT_SetNotNull':
      return [
        `the table is read under a lock for NOT NULL of ${name}: a CHECK that is NOT VALID, then VALIDATE CONSTRAINT`,
      ];
    case 'AT_AddConstraint':
      return faultsOfConstraint(def.Constraint);
    default:
      return [];
  }
}

/** Of a new column: the version before fills it with nothing but its default. */
function faultsOfColumn({ colname, constraints = [] }) {
  const kinds = new Map(constraints.map(({ Constraint: constraint }) => [constraint.contype, constraint]));
  const byDefault = kinds.get('CONSTR_DEFAULT')?.raw_expr;
  return [
    ...(kinds.has('CONSTR_NOTNULL') && !byDefault
      ? [`the version before gives ${colname} no value: a default, or no NOT NULL`]
      : []),
    ...(byDefault?.FuncCall || kinds.has('CONSTR_IDENTITY') || kinds.has('CONSTR_GENERATED')
      ? [`the table is written anew under a lock for the value of ${colname}: a constant default`]
      : []),
    ...['CONSTR_UNIQUE', 'CONSTR_PRIMARY', 'CONSTR_FOREIGN', 'CONSTR_CHECK']
      .filter((kind) => kinds.has(kind))
      .map((kind) => `${kind} of ${colname} is proven under a lock: a constraint of its own, by steps`),
  ];
}

function faultsOfConstraint({ contype, conname, skip_validation: isLater, indexname }) {
  const which = `the constraint ${conname ?? ''}`;
  if (contype === 'CONSTR_UNIQUE' || contype === 'CONSTR_PRIMARY')
    return indexname
      ? []
      : [`${which} builds an index under a lock: CREATE UNIQUE INDEX CONCURRENTLY, then USING INDEX`];
  return isLater ? [] : [`${which} is proven under a lock: NOT VALID, and VALIDATE CONSTRAINT in the next migration`];
}

/** @returns {Promise<string[]>} of every migration that is to be looked at */
async function faultsOfMigrations() {
  const folder = path.join(projectFolder, 'prisma/migrations');
  const names = readdirSync(folder).filter((name) => /^\d/.test(name) && name > LAST_UNCHECKED);
  const faults = [];
  for (const name of names.toSorted()) {
    const sql = readFileSync(path.join(folder, name, 'migration.sql'), 'utf8');
    if (NOT_BESIDE.test(sql)) continue;
    for (const fault of await faultsOf(sql)) faults.push(`${name}: ${fault}`);
  }
  return faults;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const faults = await faultsOfMigrations();
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
  else console.log('Every migration can run beside the version before.');
}
