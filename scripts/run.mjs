/**
 * Runs a program of bin/ from its source, with packages installed and compiled: `node scripts/run.mjs bin/x.ts ...`.
 * What .env and the environment leave open is the stack of `npm start`.
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { installPackages } from './stack/install.mjs';
import { run } from './stack/processes.mjs';
import { fail } from './stack/progress.mjs';
import { loadEnvFile, localAddresses, projectFolder } from './stack/settings.mjs';

/** Only what has changed is written, and nothing is removed: a service may be running from dist/. */
const compile = ['-p', 'tsconfig.build.json', '--incremental', '--tsBuildInfoFile', 'dist/.tsbuildinfo'];

try {
  const [source, ...args] = process.argv.slice(2);
  await installPackages();
  const tsc = path.join(projectFolder, 'node_modules/typescript/bin/tsc');
  await run(process.execPath, [tsc, ...compile], { cwd: projectFolder });
  const program = path.join(projectFolder, 'dist', source.replace(/\.ts$/, '.js'));
  process.argv.splice(1, process.argv.length, program, ...args);
  loadEnvFile();
  for (const [name, value] of Object.entries(localAddresses())) process.env[name] ||= value;
  // npm runs scripts in the project's folder; files are named from where the person stands.
  process.chdir(process.env.INIT_CWD ?? '.');
  await import(pathToFileURL(program).href);
} catch (error) {
  fail(error);
}
