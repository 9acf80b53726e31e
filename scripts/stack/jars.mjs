/** Java programs from Maven Central: their jars, copied once into the cache. */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { step } from './progress.mjs';
import { onPath, run } from './processes.mjs';
import { cacheFolder } from './settings.mjs';

/** A class path of everything that `pom` lists, or undefined when Java or Maven is missing. */
export async function jars({ title, name, pom, logFolder }) {
  const folder = path.join(cacheFolder(), name);
  if (!onPath('java')) return undefined;
  if (!existsSync(folder)) {
    if (!onPath('mvn')) return undefined;
    const partial = `${folder}.${process.pid}`;
    mkdirSync(logFolder, { recursive: true });
    await step(title, '10 s to 1 min', () =>
      run('mvn', ['-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${partial}`], {
        logFile: path.join(logFolder, `${name}-install.log`),
      }),
    );
    try {
      renameSync(partial, folder);
    } catch (error) {
      rmSync(partial, { recursive: true, force: true });
      if (!existsSync(folder)) throw error; // a start beside this one was quicker
    }
  }
  return path.join(folder, '*');
}
