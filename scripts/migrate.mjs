/**
 * Applies prisma/migrations to a database: `node scripts/migrate.mjs` with DATABASE_URL set.
 * It uses Prisma's schema engine in its WebAssembly build, which needs no native download and keeps the same records
 * (`_prisma_migrations`) as `prisma migrate deploy`, so both may be used on one database.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import { PrismaPg } from '@prisma/adapter-pg';

const prismaFolder = fileURLToPath(new URL('../prisma', import.meta.url));
const CONNECT_LIMIT_MS = 60_000;
/** Any number that nobody else takes in this database. */
const LOCK = 20_261_129;
const LOCK_POLL_MS = 200;

/** The first line of a migration that may hold up the version before, or takes from it what it asks for; and why. */
export const NOT_BESIDE = /^-- not beside a running service: (.+)/;

/** @returns {Promise<string[]>} the names of the migrations that were applied now */
export const migrate = (databaseUrl) => alone(databaseUrl, () => applyMigrations(databaseUrl));

/**
 * One process at a time, and the others ask again and again: who waited for the lock in one statement would hold up an
 * index that is built beside the running service, which waits for every statement that began before.
 */
async function alone(databaseUrl, work) {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: CONNECT_LIMIT_MS });
  await client.connect();
  try {
    for (;;) {
      const { rows } = await client.query('SELECT pg_try_advisory_lock($1) AS mine', [LOCK]);
      if (rows[0].mine) return await work();
      await pause(LOCK_POLL_MS);
    }
  } finally {
    await client.end();
  }
}

async function applyMigrations(databaseUrl) {
  loading ??= loadEngine();
  const { SchemaEngine } = await loading;
  const adapter = new PrismaPg({ connectionString: databaseUrl, connectionTimeoutMillis: CONNECT_LIMIT_MS });
  const { factory, close } = sendingScriptsWhole(adapter);
  try {
    const engine = await SchemaEngine.new(
      { datamodels: undefined },
      () => {},
      bindMigrationAwareSqlAdapterFactory(factory),
    );
    const migrationsList = readMigrations();
    await sayWhatIsNotSafe(databaseUrl, migrationsList.migrationDirectories);
    const { appliedMigrationNames } = await engine.applyMigrations({
      migrationsList,
      filters: { externalTables: [], externalEnums: [] },
    });
    return appliedMigrationNames;
  } finally {
    // The engine keeps a lock for as long as its connection is open.
    await close();
  }
}

/** A line for each migration that was not applied yet and is not for a running service. */
export const notBeside = (migrations, applied) =>
  migrations.flatMap(({ path: name, migrationFile }) => {
    const [, why] = NOT_BESIDE.exec(migrationFile.content.value) ?? [];
    return why && !applied.has(name) ? [`${name} is not for a running service: ${why}`] : [];
  });

/** Of what is about to be applied: whoever sees it can still stop the service, or this. */
async function sayWhatIsNotSafe(databaseUrl, migrations) {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: CONNECT_LIMIT_MS });
  await client.connect();
  try {
    const { rows } = await client.query(`SELECT to_regclass('_prisma_migrations') IS NOT NULL AS exists`);
    if (!rows[0].exists) return; // nothing is there yet that could be held up
    const applied = await client.query(
      'SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NOT NULL',
    );
    const names = new Set(applied.rows.map(({ name }) => name));
    for (const line of notBeside(migrations, names)) process.stderr.write(`${line}\n`);
  } finally {
    await client.end();
  }
}

/** The adapter splits a script at every `;`, which would cut a function's body in two. */
function sendingScriptsWhole(real) {
  const open = [];
  const whole = (adapter) => {
    open.push(adapter);
    adapter.executeScript = async (script) => void (await adapter.client.query(script));
    return adapter;
  };
  const factory = {
    provider: real.provider,
    adapterName: real.adapterName,
    connect: async () => whole(await real.connect()),
    connectToShadowDb: async () => whole(await real.connectToShadowDb()),
  };
  return { factory, close: () => Promise.all(open.map((adapter) => adapter.dispose())) };
}

/** Once in a process: the engine cannot be begun twice. */
let loading;

async function loadEngine() {
  const glue = await import('@prisma/schema-engine-wasm/schema_engine_bg');
  const wasm = readFileSync(new URL('schema_engine_bg.wasm', import.meta.resolve('@prisma/schema-engine-wasm')));
  const { instance } = await WebAssembly.instantiate(wasm, { './schema_engine_bg.js': glue });
  glue.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  return glue;
}

function readMigrations() {
  const baseDir = path.join(prismaFolder, 'migrations');
  const lockfile = path.join(baseDir, 'migration_lock.toml');
  return {
    baseDir,
    lockfile: { path: 'migration_lock.toml', content: existsSync(lockfile) ? readFileSync(lockfile, 'utf8') : null },
    shadowDbInitScript: '',
    migrationDirectories: readdirSync(baseDir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .toSorted()
      .map((name) => ({
        path: name,
        migrationFile: {
          path: 'migration.sql',
          content: { tag: 'ok', value: readFileSync(path.join(baseDir, name, 'migration.sql'), 'utf8') },
        },
      })),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { DATABASE_URL: given, DATABASE_URL_FILE: file } = process.env;
  const databaseUrl = given || (file && readFileSync(file, 'utf8').trim());
  if (!databaseUrl) throw new Error('DATABASE_URL or DATABASE_URL_FILE must name the database to migrate.');
  const applied = await migrate(databaseUrl);
  process.stdout.write(applied.length === 0 ? 'The database is up to date.\n' : `Applied: ${applied.join(', ')}\n`);
  process.exit();
}
