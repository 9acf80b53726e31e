/**
 * `npm run upgrade -- <git ref>`: the upgrade in place, tried before a release. The version at the ref is started in a
 * git worktree, fills a data folder of its own and is stopped in the middle of its work; then this code starts on the
 * same data. Two passes: the old version is stopped in order, and it is killed together with its servers.
 *
 * Always true: only what this has started is stopped, by its pid. Worktree and data are removed unless something
 * failed.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { installPackages } from './stack/install.mjs';
import { SetupError, fail, say } from './stack/progress.mjs';
import { loadEnvFile, projectFolder } from './stack/settings.mjs';
import { boundOf, measureSlowness } from './stack/speed.mjs';
import { createReport } from './upgrade/report.mjs';

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => interruption.abort());
const goOn = () => {
  if (interruption.signal.aborted) throw new SetupError('interrupted.');
};

const git = (...args) => execFileSync('git', args, { cwd: projectFolder, encoding: 'utf8' }).trim();

/** The commit that the first argument names. */
function commitOf(ref) {
  if (!ref || process.argv.length > 3) throw new SetupError('name the version before: npm run upgrade -- <git ref>.');
  try {
    return git('rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`);
  } catch {
    throw new SetupError(`there is no commit "${ref}" in this repository.`);
  }
}

/** Each pass has data of its own; the worktree, with its packages, serves both. */
async function passes(folder, before, report) {
  const { upgrade } = await import('./upgrade/pass.mjs');
  const slowness = measureSlowness();
  say(`This machine is ${slowness.toFixed(1)} times as slow as usual`);
  const atMost = (ms) => boundOf(ms, slowness);
  for (const ending of ['stopped', 'killed']) {
    const dataFolder = path.join(folder, ending);
    mkdirSync(dataFolder);
    await report.pass(`The version before is ${ending}`, () =>
      upgrade({ ending, before, after: projectFolder, dataFolder, report, atMost, slowness, goOn }),
    );
  }
}

async function main() {
  const [ref] = process.argv.slice(2);
  const commit = commitOf(ref);
  // Both versions get the settings of this one's .env.
  loadEnvFile();
  await installPackages();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'billing-upgrade-'));
  chmodSync(folder, 0o755); // Postgres may run as another user
  const before = path.join(folder, 'before');
  const report = createReport(goOn);
  try {
    git('worktree', 'add', '--detach', before, commit);
    await passes(folder, before, report);
  } catch (error) {
    if (interruption.signal.aborted) fail(error);
    else report.failed('The upgrade was tried to its end', error);
  } finally {
    if (report.failures() > 0) {
      say(`The data and the logs are in ${folder}, the version before too: git worktree remove --force ${before}`);
    } else {
      git('worktree', 'remove', '--force', before);
      rmSync(folder, { recursive: true, force: true });
    }
    process.stdout.write(`upgrade from ${ref}: ${report.checked()} checked, ${report.failures()} failed\n`);
    if (report.failures() > 0) process.exitCode = 1;
  }
}

await main().catch(fail);
