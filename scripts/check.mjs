/**
 * `npm run check`: the quick gate. The packages for other teams, format, lint, types, dead code, rules without a test,
 * what stands twice, licences, migrations, and the tests without servers.
 */
import path from 'node:path';
import { installPackages } from './stack/install.mjs';
import { run } from './stack/processes.mjs';
import { fail, step } from './stack/progress.mjs';
import { projectFolder } from './stack/settings.mjs';

const tool = (name) => path.join(projectFolder, 'node_modules', '.bin', name);

const gates = [
  ['Clients', process.execPath, 'scripts/clients.mjs'],
  ['Format', tool('oxfmt'), '--check'],
  ['Lint', tool('oxlint'), '--type-aware', '--deny-warnings'],
  ['Types', tool('tsc'), '-p', 'tsconfig.json'],
  ['Types of the tests of the clients', tool('tsc'), '-p', 'test/clients/tsconfig.json'],
  ['Dead code', tool('knip'), '--no-progress'],
  ['Rules without a test', process.execPath, 'scripts/rules.mjs'],
  ['What stands twice', process.execPath, 'scripts/once.mjs'],
  ['Licences', process.execPath, 'scripts/licences.mjs'],
  ['Migrations', process.execPath, 'scripts/migrations.mjs'],
  ['Pure tests', tool('vitest'), 'run', '--project', 'pure'],
];

try {
  await installPackages();
  for (const [title, command, ...args] of gates) {
    await step(title, '1 to 5 s', () => run(command, args, { cwd: projectFolder }));
  }
} catch (error) {
  fail(error);
}
