/**
 * The published contract, as it stands in contract/: what is served is what is committed, and no change of it breaks
 * who reads or sends by what was published first.
 *
 * `npm run generate` writes what is served. A baseline is written once, with the first version of an event, and
 * stays as it is: others have been built on it. So does that of the REST API; what came after it is kept from the day on
 * which a copy of contract/openapi.json is put beside it, as baselines/openapi-v1-<day>.json.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Parser } from '@asyncapi/parser';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import { asyncApiDocument } from '../../api/asyncapi.ts';
import { eventExample, eventSchema } from '../../api/published-schema.ts';
import { type Schema, differences } from '../../contract/compatibility.ts';
import { type ApiDocument, type Sunsets, brokenPromises, hastened, sunsetsAfter } from '../../contract/operations.ts';
import { inWords } from '../../contract/words.ts';
import { eventType } from '../../messaging/cloud-event.ts';
import { catalogue } from '../../registry/catalogue.ts';
import { handledEvents } from '../../registry/handlers.ts';
import { publishedDocument } from '../support/published.ts';

const folder = fileURLToPath(new URL('../../contract', import.meta.url));
const isWritten = Boolean(process.env['UPDATE_DOCUMENTS']);
const HOW = 'npm run generate writes it';

const plain = (document: unknown): unknown => JSON.parse(JSON.stringify(document));
/** null for a file that is not there. */
const readJson = (file: string): unknown => {
  const whole = path.join(folder, file);
  return existsSync(whole) ? JSON.parse(readFileSync(whole, 'utf8')) : null;
};

function writeJson(file: string, document: unknown): void {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  writeFileSync(path.join(folder, file), `${JSON.stringify(document, null, 2)}\n`);
}

/** Of production: what subscribers see. */
const asyncApi = asyncApiDocument(catalogue, handledEvents, {
  environment: 'production',
  publicUrl: 'https://billing.example.com',
  version: '0.0.0',
});

const events = catalogue.map((event) => ({ event, type: eventType(event), title: `${event.name} v${event.version}` }));

describe('what is served is what is committed', () => {
  it.each(events)('$type', ({ event, type }) => {
    if (isWritten) writeJson(`schemas/${type}.json`, eventSchema(event));
    expect(readJson(`schemas/${type}.json`), HOW).toEqual(plain(eventSchema(event)));
  });

  const documents = { 'openapi.json': publishedDocument(), 'asyncapi.json': asyncApi };
  it.each(Object.entries(documents))('%s', (file, document) => {
    if (isWritten) writeJson(file, document);
    expect(readJson(file), HOW).toEqual(plain(document));
  });
});

/** What we read, we read by the schema of today; what others read of us, they read by that of then. */
const directionsOf = (event: (typeof catalogue)[number]): ('sent' | 'received')[] =>
  (handledEvents as readonly unknown[]).includes(event) ? ['received'] : ['sent'];

describe('MSG-05: no version of an event breaks who was built on its first schema', () => {
  it.each(events)('$title', ({ event, type, title }) => {
    const file = `baselines/${type}.json`;
    if (isWritten && !existsSync(path.join(folder, file))) writeJson(file, eventSchema(event));
    const [baseline, now] = [readJson(file) as Schema, plain(eventSchema(event)) as Schema];
    expect(baseline, HOW).not.toBeNull();
    for (const direction of directionsOf(event)) {
      const found = direction === 'sent' ? differences(now, baseline) : differences(baseline, now);
      expect(found.map((one) => inWords(title, direction, one))).toEqual([]);
    }
  });
});

const isOfOperations = (file: string): boolean => file.startsWith('openapi-v1');

it.each(['schemas', 'baselines'])('%s has no event that there is not', (kind) => {
  const files = readdirSync(path.join(folder, kind)).filter((file) => !isOfOperations(file));
  expect(files.toSorted()).toEqual(events.map(({ type }) => `${type}.json`).toSorted());
});

describe('no change of the REST API breaks who was built on an older document of it', () => {
  const now = publishedDocument() as ApiDocument;
  const first = 'baselines/openapi-v1.json';
  if (isWritten && !existsSync(path.join(folder, first))) writeJson(first, now);
  const baselines = readdirSync(path.join(folder, 'baselines')).filter(isOfOperations);
  const sunsets = (readJson('sunsets.json') ?? {}) as Sunsets;
  const today = new Date().toISOString().slice(0, 10);

  it.each(baselines)('API-01: %s', (file) => {
    expect(brokenPromises(now, readJson(`baselines/${file}`) as ApiDocument, { sunsets, today })).toEqual([]);
  });

  it('API-01: the first document is among them', () => {
    expect(baselines, HOW).toContain(path.basename(first));
  });

  it('API-03: the last days of operations are noted, and none comes earlier than was published', () => {
    expect(hastened(now, sunsets)).toEqual([]);
    if (isWritten) writeJson('sunsets.json', sunsetsAfter(now, sunsets));
    expect(readJson('sunsets.json'), HOW).toEqual(sunsetsAfter(now, sunsets));
  });

  type Members = Record<string, { properties?: Record<string, unknown>; required?: string[] }>;
  const schemasOf = ({ components = {} }: ApiDocument) => components['schemas'] as Members;
  const schemas = schemasOf(now);
  /** What is told when these schemas have lost these members. */
  const without = (gone: Readonly<Record<string, readonly string[]>>): string => {
    const less = structuredClone(now);
    for (const [name, members] of Object.entries(gone)) {
      const { properties = {}, required = [] } = schemasOf(less)[name] ?? {};
      for (const member of members) delete properties[member];
      required.splice(0, Infinity, ...required.filter((member) => !members.includes(member)));
    }
    return brokenPromises(less, now, { sunsets, today }).join('\n');
  };
  const isProblem = (name: string): boolean => name.endsWith('Problem');

  // Taken out of the real document: what its readers would miss.
  const read = Object.keys(schemas).filter((name) => !isProblem(name));
  it.each(read)('API-01: every member that %s has today would be missed', (name) => {
    const members = Object.keys(schemas[name]?.properties ?? {});
    const told = without({ [name]: members });
    expect(members.filter((member) => !new RegExp(`[.\`]${member}\` disappeared`).test(told))).toEqual([]);
  });

  it('API-01: so would a member of each problem, each answer and each operation', () => {
    const told = without(
      Object.fromEntries(Object.keys(schemas).map((name) => [name, isProblem(name) ? ['detail'] : []])),
    );
    const codes = Object.keys(now.components?.['examples'] ?? {});
    expect(codes.filter((code) => !told.includes(`problem \`${code}\`: \`detail\` disappeared`))).toEqual([]);
    const operations = Object.entries(publishedDocument().paths).flatMap(([at, methods]) =>
      Object.entries(methods).map(([method, { responses }]) => ({ what: `${method.toUpperCase()} ${at}`, responses })),
    );
    const answers = operations.flatMap(({ what, responses }) =>
      Object.keys(responses).map((status) => `${what}: answer ${status}: it disappeared`),
    );
    const silent = structuredClone(publishedDocument());
    for (const methods of Object.values(silent.paths)) for (const one of Object.values(methods)) one.responses = {};
    const missed = brokenPromises(silent, now, { sunsets, today }).join('\n');
    expect(answers.filter((answer) => !missed.includes(answer))).toEqual([]);
    const nothing = brokenPromises({ paths: {} }, now, { sunsets, today });
    expect(nothing).toHaveLength(operations.length);
  });
});

describe('the AsyncAPI document', () => {
  it('is read by a parser that is not ours without a warning', async () => {
    const { document, diagnostics } = await new Parser().parse(JSON.stringify(asyncApi));
    expect(diagnostics.map(({ message, path: at }) => `${at.join('.')}: ${message}`)).toEqual([]);
    expect(document?.allMessages().length).toBe(Object.keys(asyncApi.components.messages).length);
  });

  it.each(events)('the example of $type fits its schema', ({ event }) => {
    const ajv = new Ajv2020();
    (ajvFormats as unknown as (on: Ajv2020) => void)(ajv);
    const validate = ajv.compile(plain(eventSchema(event)) as object);
    expect({ fits: validate(eventExample(event)), because: validate.errors }).toEqual({
      fits: true,
      because: null,
    });
  });
});
