/**
 * `npm run test:chart`: the Helm chart is linted, rendered with each set of values in deploy/helm/ci, and what comes out
 * is decoded strictly by the types of Kubernetes. Needs helm and Go; asks no cluster.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { projectFolder } from './stack/settings.mjs';

/** The oldest that the chart says it is for. */
const KUBERNETES = '1.29.0';
const OBJECTS_MIN = 8;

const chart = path.join(projectFolder, 'deploy/helm');
const run = (command, args, options = {}) => execFileSync(command, args, { encoding: 'utf8', ...options });

for (const name of readdirSync(path.join(chart, 'ci'))) {
  const values = ['--values', path.join(chart, 'ci', name), '--kube-version', KUBERNETES];
  run('helm', ['lint', '--strict', chart, ...values]);
  const rendered = run('helm', ['template', 'billing', chart, '--namespace', 'billing', ...values]);
  const objects = run('go', ['run', '.'], { cwd: path.join(chart, 'strict'), input: rendered })
    .trim()
    .split('\n');
  if (objects.length < OBJECTS_MIN) throw new Error(`${name} gives only ${objects.join(', ')}.`);
  console.log(`${name}: ${objects.join(', ')}`);
}
