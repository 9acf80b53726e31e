/**
 * `npm run clients`: makes the packages for callers and subscribers of other teams, in `clients/typescript/dist/`. Their
 * tools have a lock file of their own: openapi-typescript needs the compiler API, which TypeScript 7 does not have.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './stack/processes.mjs';
import { fail, step } from './stack/progress.mjs';
import { projectFolder } from './stack/settings.mjs';
import { digestOf, isStamped } from './stack/stamps.mjs';

const folder = path.join(projectFolder, 'clients', 'typescript');
const inFolder = (...parts) => path.join(folder, ...parts);

/** Does nothing when they were made from the same files. */
export async function buildClients() {
  const stamp = inFolder('dist', '.built');
  const digest = digestOf(inputs());
  if (!isStamped(stamp, digest)) {
    await step('Clients: making the packages', '20 s to 2 min', build);
    writeFileSync(stamp, digest);
  }
}

async function build() {
  const stamp = inFolder('node_modules', '.installed');
  const lock = digestOf([inFolder('package-lock.json')]);
  mkdirSync(inFolder('dist'), { recursive: true });
  const options = { cwd: folder, logFile: inFolder('dist', 'build.log') };
  if (!isStamped(stamp, lock)) {
    await run('npm', ['ci', '--loglevel=error'], options);
    writeFileSync(stamp, lock);
  }
  await run('npm', ['pack', '--workspaces', '--pack-destination', 'dist'], options);
  await run(process.execPath, [inFolder('node_modules/typescript/bin/tsc'), '-p', 'example/tsconfig.json'], options);
}

/** What the packages are made of. */
function inputs() {
  const isMade = /(?:^|\/)(?:node_modules|dist|generated)(?:\/|$)/;
  const files = (...below) =>
    readdirSync(path.join(projectFolder, ...below), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .filter((file) => !isMade.test(path.relative(projectFolder, file)));
  return [
    fileURLToPath(import.meta.url),
    path.join(projectFolder, 'contract', 'openapi.json'),
    ...files('contract', 'schemas'),
    ...files('contract', 'baselines'),
    ...files('clients', 'typescript'),
  ].toSorted();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildClients().catch(fail);
