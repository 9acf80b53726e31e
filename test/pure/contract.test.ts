/**
 * The published contract, as it stands in contract/: what is served is what is committed, and no change of it breaks
 * who reads or sends by what was published first.
 *
 * `npm run generate` writes what is served. A baseline is written once, with the first version of an event, and
 * stays as it is: others have been built on it.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Parser } from '@asyncapi/parser';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import { asyncApiDocument } from '../../api/asyncapi.ts';
import { eventSchema, exampleOf } from '../../api/published-schema.ts';
import { type Schema, differences } from '../../contract/compatibility.ts';
import { type Direction, inWords } from '../../contract/words.ts';
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
const asyncApi = asyncApiDocument(catalogue, handledEvents, { environment: 'production', version: '0.0.0' });

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
const directionsOf = (event: (typeof catalogue)[number]): Direction[] =>
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

it.each(['schemas', 'baselines'])('%s has no event that there is not', (kind) => {
  expect(readdirSync(path.join(folder, kind)).toSorted()).toEqual(events.map(({ type }) => `${type}.json`).toSorted());
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
    expect({ fits: validate(exampleOf(eventSchema(event))), because: validate.errors }).toEqual({
      fits: true,
      because: null,
    });
  });
});
