/** `npm run check`: the quick gate. Format, lint, types, dead code, and the tests that need no server. */
import path from 'node:path';
import { installPackages } from './stack/install.mjs';
import { run } from './stack/processes.mjs';
import { fail, step } from './stack/progress.mjs';
import { projectFolder } from './stack/settings.mjs';

const tool = (name) => path.join(projectFolder, 'node_modules', '.bin', name);

const gates = [
  ['Format', 'oxfmt', '--check'],
  ['Lint', 'oxlint', '--type-aware', '--deny-warnings'],
  ['Types', 'tsc', '-p', 'tsconfig.json'],
  ['Dead code', 'knip', '--no-progress'],
  ['Pure tests', 'vitest', 'run', '--project', 'pure'],
];

try {
  await installPackages();
  for (const [title, command, ...args] of gates) {
    await step(title, '1 to 5 s', () => run(tool(command), args, { cwd: projectFolder }));
  }
} catch (error) {
  fail(error);
}
