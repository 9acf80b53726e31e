/**
 * Writes `src/generated/` of a package from what is published in `contract/`. Nothing generated is committed: `npm pack`
 * makes it anew, so no package has types of another day than its schemas.
 */
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile } from 'json-schema-to-typescript';
import openapiTypescript, { astToString } from 'openapi-typescript';
import { readerSchema } from './reader-schema.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const contract = path.join(here, '../../contract');
const readJson = (...parts) => JSON.parse(readFileSync(path.join(contract, ...parts), 'utf8'));
const HEAD = '/** Generated from contract/ by generate.mjs. */\n';

async function rest() {
  const document = readJson('openapi.json');
  const operations = Object.entries(document.paths).flatMap(([route, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${route}`, operation })),
  );
  const resolved = ({ $ref, ...node }) =>
    $ref ? $ref.split('/').reduce((at, part) => (part === '#' ? document : at[part]), document) : node;
  const names = operations
    .filter(({ operation: { parameters = [] } }) =>
      parameters.map(resolved).some((one) => one.in === 'header' && one.name === 'Idempotency-Key'),
    )
    .map(({ name }) => name);
  if (names.length === 0) throw new Error('No operation takes a key: commands would be carried out twice.');
  const problems = Object.entries(document.components.schemas).filter(([, { properties }]) => properties?.code?.const);
  const union = problems.map(([name]) => `components['schemas']['${name}']`).join('\n  | ');
  return {
    'openapi.ts': astToString(await openapiTypescript(document)),
    'operations.ts': [
      `import type { components } from './openapi.ts';\n`,
      '/** The operations that take an Idempotency-Key. */',
      `export const keyedOperations: ReadonlySet<string> = new Set(${JSON.stringify(names, null, 2)});\n`,
      '/** Every problem that the API answers with; `code` tells which. */',
      `export type KnownProblem =\n  | ${union};`,
    ].join('\n'),
  };
}

/** `billing.invoice.payment-reminder-due.v1` becomes `BillingInvoicePaymentReminderDueV1`. */
const typeName = (type) => type.replaceAll(/(?:^|[.-])(\w)/g, (_, letter) => letter.toUpperCase());

/** As a reader must take a schema: whatever else an object has is passed over. */
async function typesOf(type, schema) {
  const named = { ...schema, title: typeName(type) };
  return compile(named, typeName(type), { bannerComment: '', additionalProperties: true });
}

async function events() {
  const types = readdirSync(path.join(contract, 'schemas')).map((file) => file.replace(/\.json$/, ''));
  const schemaOf = (type) => readerSchema(readJson('schemas', `${type}.json`), readJson('baselines', `${type}.json`));
  const schemas = Object.fromEntries(types.map((type) => [type, schemaOf(type)]));
  const files = {};
  for (const type of types) files[`${type}.ts`] = await typesOf(type, schemas[type]);
  files['schemas.ts'] = [
    '/** The published schemas of the data, by the type of the event; required is what events have always had. */',
    `export const schemas: Readonly<Record<string, object>> = ${JSON.stringify(schemas, null, 2)};`,
  ].join('\n');
  files['event-data.ts'] = [
    ...types.map((type) => `import type { ${typeName(type)} } from './${type}.ts';`),
    '\n/** The data of every version of every event, by its type. */',
    'export interface EventData {',
    ...types.map((type) => `  '${type}': ${typeName(type)};`),
    '}',
  ].join('\n');
  return files;
}

const packages = { rest, events };
const name = process.argv[2];
const make = packages[name];
if (!make) throw new Error(`Which package? One of ${Object.keys(packages).join(', ')}.`);
const folder = path.join(here, name, 'src', 'generated');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const [file, text] of Object.entries(await make())) writeFileSync(path.join(folder, file), `${HEAD}${text}\n`);
// A file that is no longer there must not stay in the package.
rmSync(path.join(here, name, 'dist'), { recursive: true, force: true });
