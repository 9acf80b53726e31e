/**
 * What must stand in one place alone, because two would come to differ. Prints what stands elsewhere or twice, one line
 * each; the exit code says whether anything does.
 *
 * 1. No error is told from another by words of its message: callers choose words too. platform/database-errors.ts may,
 *    and says why.
 * 2. No pattern stands twice.
 * 3. What a length of a text is, and the lengths themselves, are in values/text.ts: no schema counts by itself.
 */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { projectFolder } from './stack/settings.mjs';

const { include } = JSON.parse(readFileSync(path.join(projectFolder, 'tsconfig.build.json'), 'utf8'));
const folders = include.filter((folder) => !folder.startsWith('prisma'));

const files = folders.flatMap((folder) =>
  readdirSync(path.join(projectFolder, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`),
);

const COMMENT = /^\s*(?:\/\/|\/?\*)|\s\/\/ .*$/;
/** Lines of code, by file; comments are empty. */
const sources = files.map((file) => ({
  file,
  lines: readFileSync(path.join(projectFolder, file), 'utf8')
    .split('\n')
    .map((line) => line.replace(COMMENT, '')),
}));

/** A message that is looked into: `error.message.includes(`, `PATTERN.test(message)`, `message === '...'`. */
const MESSAGE_READ =
  /\bmessage\b\)?\??\.(?:includes|startsWith|endsWith|match|search|indexOf|split|at)\(|\.(?:test|exec)\([^)]*\bmessage\b|\bmessage\b\s*[!=]==?\s*['"`]|(?:includes|has)\([^)]*\b(?:error|cause|failure)\.message\b/;
const MAY_READ_MESSAGES = new Set(['platform/database-errors.ts']);

const REGEX = /(?<=[=(,:&|!?]\s*|^\s*|return\s)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\])+\]|[^/\\\n[])+\/[a-z]*/g;
/** Too short to be an agreement: a separator, a white space. */
const PATTERN_MIN = 8;

/** A schema of a text with a length of its own. */
const OWN_LENGTH = /z\s*\.string\([^)]*\)[^;\n]*\.(?:min|max|length)\(|\b(?:oneLine|manyLines|untrimmed)\(\s*\d+,\s*\d/;
/** The operator's settings are no texts of callers. */
const MAY_COUNT = new Set(['values/schema.ts', 'platform/config.ts', 'platform/issuers.ts']);

function* faults() {
  const patterns = new Map();
  for (const { file, lines } of sources) {
    for (const [index, line] of lines.entries()) {
      const place = `${file}:${index + 1}`;
      if (MESSAGE_READ.test(line) && !MAY_READ_MESSAGES.has(file))
        yield `${place}: an error is told by words of its message; use its type or code`;
      if (OWN_LENGTH.test(line) && !MAY_COUNT.has(file))
        yield `${place}: a text has a length of its own; name it in values/text.ts`;
      for (const [pattern] of line.matchAll(REGEX)) {
        if (pattern.length < PATTERN_MIN) continue;
        const first = patterns.get(pattern);
        if (first) yield `${place}: the pattern ${pattern} stands at ${first} too`;
        else patterns.set(pattern, place);
      }
    }
  }
}

const found = [...faults()];
for (const fault of found) console.error(fault);
if (found.length > 0) process.exitCode = 1;
else console.log(`Nothing stands twice in ${files.length} files.`);
