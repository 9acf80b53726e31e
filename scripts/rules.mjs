/**
 * Every rule of docs/rules.md is named by a test, and every rule that a test names is there. Prints what is missing,
 * one line each; the exit code says whether anything is.
 */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { projectFolder } from './stack/settings.mjs';

const RULE = /\b(?:API|INV|PAY|TIM|CSH|ACC|LIM|TEN|MSG)-\d\d\b/g;
const STRING = /'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`/g;
const COMMENT_LINE = /^\s*(?:\/\/|\/\*|\*)/;

const idsIn = (text) => text.match(RULE) ?? [];

/** The rules in the strings of a source: what a comment says proves nothing. Strings are looked for line by line. */
const idsInStrings = (source) =>
  source
    .split('\n')
    .filter((line) => !COMMENT_LINE.test(line))
    .flatMap((line) => line.match(STRING) ?? [])
    .flatMap(idsIn);

function testFiles() {
  const folder = path.join(projectFolder, 'test');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.test.ts')).map((name) => path.join(folder, name));
}

const rules = new Set(idsIn(readFileSync(path.join(projectFolder, 'docs', 'rules.md'), 'utf8')));
const named = new Set(testFiles().flatMap((file) => idsInStrings(readFileSync(file, 'utf8'))));
const faults = [
  ...[...rules].filter((id) => !named.has(id)).map((id) => `${id}: no test names it`),
  ...[...named].filter((id) => !rules.has(id)).map((id) => `${id}: a test names it, docs/rules.md does not have it`),
  ...(rules.size === 0 ? ['docs/rules.md has no rules'] : []),
];

for (const fault of faults.toSorted()) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
else console.log(`All ${rules.size} rules of docs/rules.md are named by tests.`);
