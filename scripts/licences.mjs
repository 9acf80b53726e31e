/**
 * Every package that goes into the image, or is installed with what other teams install, has a licence that asks for no more than to be named. Prints those that have
 * another, one line each; the exit code says whether any has. `npm run sbom` lists the packages themselves.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { projectFolder } from './stack/settings.mjs';

const PERMISSIVE = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'MIT/X11',
  'Unlicense',
]);
/** Looked at one by one, and why it may be there. */
const LOOKED_AT = new Map([
  // Data about browsers, which the bundler brings along; CC BY asks for the name of its source.
  ['caniuse-lite', 'CC-BY-4.0'],
  // Its package.json says nothing, its file LICENSE is the Unlicense.
  ['unionfs', undefined],
]);

const packagesOf = (lock) => JSON.parse(readFileSync(path.join(projectFolder, lock), 'utf8')).packages;
const shipped = ['package-lock.json', 'clients/typescript/package-lock.json'].flatMap((lock) =>
  Object.entries(packagesOf(lock)).filter(
    ([place, { dev, optional, devOptional, peer, link }]) =>
      place.includes('node_modules/') && !dev && !optional && !devOptional && !peer && !link,
  ),
);
const others = shipped.flatMap(([place, { license, version }]) => {
  const name = place.split('node_modules/').at(-1);
  const isKnown = PERMISSIVE.has(license) || (LOOKED_AT.has(name) && LOOKED_AT.get(name) === license);
  return isKnown ? [] : [`${name} ${version}: ${license ?? 'no licence'}`];
});

for (const one of others) console.error(one);
if (others.length > 0) process.exitCode = 1;
else console.log(`The licences of ${shipped.length} packages are permissive.`);
