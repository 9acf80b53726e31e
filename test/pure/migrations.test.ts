/** What a migration may do beside the version before. What would break without it: an index that stops every write. */
import { expect, it } from 'vitest';
import { notBeside } from '../../scripts/migrate.mjs';
import { faultsOf } from '../../scripts/migrations.mjs';

it.each([
  ['CREATE TABLE t (id uuid PRIMARY KEY, a int NOT NULL); CREATE INDEX i ON t (a);'],
  ['CREATE INDEX CONCURRENTLY i ON t (a);'],
  ['CREATE UNIQUE INDEX CONCURRENTLY i ON t (a);'],
  ['DROP INDEX CONCURRENTLY i;'],
  ['ALTER TABLE t ADD COLUMN a int;'],
  ["ALTER TABLE t ADD COLUMN a text NOT NULL DEFAULT '';"],
  ['ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;'],
  ['ALTER TABLE t VALIDATE CONSTRAINT c;'],
  ['ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (id) NOT VALID;'],
  ['ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX i;'],
  ['ALTER TABLE t DROP CONSTRAINT c;'],
  ['ALTER TABLE t ALTER COLUMN a DROP NOT NULL;'],
  ["ALTER TABLE t ALTER COLUMN a SET DEFAULT '';"],
  ['REINDEX INDEX CONCURRENTLY i;'],
])('may run beside the version before: %s', async (sql) => {
  expect(await faultsOf(sql)).toEqual([]);
});

it.each([
  ['CREATE INDEX i ON t (a);', 'CONCURRENTLY'],
  ['CREATE INDEX CONCURRENTLY i ON t (a); ALTER TABLE t ADD COLUMN b int;', 'alone'],
  ['DROP INDEX i;', 'CONCURRENTLY'],
  ['DROP TABLE t;', 'a release later'],
  ['DROP TYPE t;', 'a release later'],
  ['ALTER TABLE t RENAME TO u;', 'does not know u'],
  ['ALTER TABLE t RENAME COLUMN a TO b;', 'does not know b'],
  ['ALTER TABLE t ADD COLUMN a int NOT NULL;', 'no value'],
  ['ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid();', 'written anew'],
  ['ALTER TABLE t ADD COLUMN a int GENERATED ALWAYS AS IDENTITY;', 'written anew'],
  ['ALTER TABLE t ADD COLUMN a int UNIQUE;', 'under a lock'],
  ['ALTER TABLE t ADD COLUMN a int REFERENCES u (id);', 'under a lock'],
  ['ALTER TABLE t DROP COLUMN a;', 'a release later'],
  ['ALTER TABLE t ALTER COLUMN a TYPE bigint;', 'written anew'],
  ['ALTER TABLE t ALTER COLUMN a SET NOT NULL;', 'VALIDATE'],
  ['ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0);', 'NOT VALID'],
  ['ALTER TABLE t ADD CONSTRAINT u UNIQUE (a);', 'USING INDEX'],
  ['ALTER TABLE t ADD PRIMARY KEY (a);', 'USING INDEX'],
  ['REINDEX TABLE t;', 'CONCURRENTLY'],
  ['TRUNCATE t;', 'under a lock'],
  ['LOCK TABLE t;', 'locked'],
  ['UPDATE t SET a = 1;', 'in pieces'],
  ['DELETE FROM t;', 'in pieces'],
])('is refused, with what is in its place: %s', async (sql, instead) => {
  const faults = await faultsOf(sql);
  expect(faults.length).toBeGreaterThan(0);
  expect(faults.join('\n')).toContain(instead);
});

it('one that is not for a running service says why before it is applied, and not when it was', () => {
  const migration = (path: string, value: string) => ({ path, migrationFile: { content: { value } } });
  const migrations = [
    migration('1_small', 'ALTER TABLE t ADD COLUMN a int;'),
    migration(
      '2_large',
      '-- not beside a running service: the table is written anew\nALTER TABLE t ALTER a TYPE bigint;',
    ),
  ];
  expect(notBeside(migrations, new Set())).toEqual(['2_large is not for a running service: the table is written anew']);
  expect(notBeside(migrations, new Set(['2_large']))).toEqual([]);
});
