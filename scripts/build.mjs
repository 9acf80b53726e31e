/**
 * Makes the compiled service and the workflow bundle that its workers load: in dist/, or in a folder of a run's own.
 */
import { copyFileSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './stack/processes.mjs';
import { projectFolder } from './stack/settings.mjs';
import { digestOf, isStamped } from './stack/stamps.mjs';

const inProject = (...parts) => path.join(projectFolder, ...parts);
const tsc = inProject('node_modules/typescript/bin/tsc');

/**
 * Writes over what is there and deletes nothing: a service may be running from the folder. Does nothing when the folder
 * was built from the same files.
 */
export async function build(outDir = inProject('dist')) {
  const stamp = path.join(outDir, '.built');
  const digest = digestOf(inputs());
  if (isStamped(stamp, digest)) return;
  await run(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', outDir], { cwd: projectFolder });
  const failureConverter = inProject('platform/failure-converter.cjs');
  copyFileSync(failureConverter, path.join(outDir, 'platform/failure-converter.cjs'));
  await bundleWorkflows(path.join(outDir, 'workflow-bundle.js'));
  // For workers that encrypt (platform/codec.ts).
  const encrypting = { failureConverterPath: failureConverter };
  await bundleWorkflows(path.join(outDir, 'workflow-bundle-encrypting.js'), { more: encrypting });
  writeFileSync(stamp, digest);
}

/** Everything that the build depends on. */
function inputs() {
  const { include } = JSON.parse(readFileSync(inProject('tsconfig.build.json'), 'utf8'));
  const sources = include.flatMap((folder) =>
    readdirSync(inProject(folder), { recursive: true })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => inProject(folder, file)),
  );
  const settings = [
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'scripts/build.mjs',
    'platform/failure-converter.cjs',
  ];
  return [...settings.map((file) => inProject(file)), ...sources];
}

/** Bundles the workflows of `source` into the file `codePath`; `more` are options of the SDK. */
export async function bundleWorkflows(codePath, { source = 'workflows/index.ts', more = {} } = {}) {
  const { bundleWorkflowCode } = await import('@temporalio/worker');
  const quiet = { log() {}, trace() {}, debug() {}, info() {}, warn: console.warn, error: console.error };
  // The definitions of steps make their schemas outside of workflows only: zod would add 1 MB.
  const ignoreModules = ['zod'];
  const { code } = await bundleWorkflowCode({
    workflowsPath: inProject(source),
    logger: quiet,
    ignoreModules,
    ...more,
  });
  mkdirSync(path.dirname(codePath), { recursive: true });
  writeFileSync(`${codePath}.${process.pid}`, code);
  renameSync(`${codePath}.${process.pid}`, codePath);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
