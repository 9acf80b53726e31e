/** Makes dist/: the compiled service, and the workflow bundle that production workers load. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './stack/processes.mjs';
import { projectFolder } from './stack/settings.mjs';

const inProject = (...parts) => path.join(projectFolder, ...parts);

export const bundlePath = inProject('dist', 'workflow-bundle.js');

export async function build() {
  rmSync(inProject('dist'), { recursive: true, force: true });
  await run(process.execPath, [inProject('node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
    cwd: projectFolder,
  });
  await bundleWorkflows();
}

/** @returns the path of the bundle */
export async function bundleWorkflows(codePath = bundlePath, source = 'workflows/index.ts') {
  const { bundleWorkflowCode } = await import('@temporalio/worker');
  const quiet = { log() {}, trace() {}, debug() {}, info() {}, warn: console.warn, error: console.error };
  const { code } = await bundleWorkflowCode({ workflowsPath: inProject(source), logger: quiet });
  mkdirSync(path.dirname(codePath), { recursive: true });
  writeFileSync(codePath, code);
  return codePath;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
