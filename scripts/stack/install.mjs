/** The npm packages and the generated Prisma client: made when they are missing or belong to an older lock file. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { step } from './progress.mjs';
import { run } from './processes.mjs';
import { projectFolder } from './settings.mjs';
import { digestOf, isStamped } from './stamps.mjs';

const inProject = (...parts) => path.join(projectFolder, ...parts);
const digest = (...files) => digestOf(files.map((file) => inProject(file)));

export async function installPackages() {
  const stamp = inProject('node_modules', '.installed');
  const lock = digest('package-lock.json');
  if (!isStamped(stamp, lock)) {
    await step('npm: installing packages', '30 s to 2 min', () =>
      run('npm', ['ci', '--loglevel=error'], { cwd: projectFolder }),
    );
    writeFileSync(stamp, lock);
  }
  const generated = inProject('prisma', 'generated');
  const generatedStamp = path.join(generated, '.generated');
  const schema = digest('prisma/schema.prisma', 'package-lock.json');
  if (!isStamped(generatedStamp, schema)) {
    await step('Prisma: generating the client', '3 s', () =>
      // The generator only wants its native engine to exist; nothing here uses it.
      run(process.execPath, [inProject('node_modules/prisma/build/index.js'), 'generate', '--no-hints'], {
        cwd: projectFolder,
        env: {
          ...process.env,
          PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
          CHECKPOINT_DISABLE: '1',
          PRISMA_HIDE_UPDATE_MESSAGE: '1',
        },
        logFile: inProject('node_modules', '.prisma-generate.log'),
      }),
    );
    writeFileSync(generatedStamp, schema);
  }
}
