/**
 * What the documents say of steps, events and error codes is computed from the registry. What would break without it: a
 * step or a code that is in the service and in no document.
 *
 * `npm run generate` writes the parts anew.
 */
import { expect, it } from 'vitest';
import { markdownTable } from 'markdown-table';
import { z } from 'zod';
import { scopeNames, scopes } from '../../access/scopes.ts';
import { problemCodes, problemTable } from '../../api/problems.ts';
import { eventsOf } from '../../invoices/events.ts';
import {
  type Action,
  type Status,
  actions,
  definitionOf,
  isFinal,
  isTimedStep,
  statuses,
  stepNames,
  stepOf,
} from '../../invoices/lifecycle.ts';
import { eventType, topicOf } from '../../messaging/cloud-event.ts';
import type { EventDefinition } from '../../messaging/event.ts';
import { catalogue } from '../../registry/catalogue.ts';
import { filesIn, generatedPart, missingFiles, readDocument, withPart, writeDocument } from '../support/documents.ts';

const { UPDATE_DOCUMENTS } = process.env;
const HOW = 'npm run generate writes it';

function states(): string {
  const START = '[*]';
  const arrows = stepNames.flatMap((step) => {
    const { from, to } = stepOf(step);
    return (from.length > 0 ? from : [START]).flatMap((before) => to.map((after) => `${before} --> ${after}: ${step}`));
  });
  const byTime = actions
    .filter(isTimedStep)
    .flatMap((step) => definitionOf(step).from.map((status) => `${status} --> ${status}: ${step}, by time`));
  const ends = statuses.filter(isFinal).map((status) => `${status} --> ${START}`);
  const lines = [...arrows, ...byTime, ...ends].map((line) => `  ${line}`);
  return ['```mermaid', 'stateDiagram-v2', ...lines, '```'].join('\n');
}

/** Time changes no status. */
const leadsTo = (action: Action): readonly Status[] | ['as it is'] =>
  isTimedStep(action) ? ['as it is'] : stepOf(action).to;

function lifecycle(): string {
  const rows = actions.map((action) => {
    const { from, event } = definitionOf(action);
    const published = eventsOf(action).map(({ definition: { name, scope } }) =>
      scope === 'public' ? name : `${name} (${scope})`,
    );
    return [
      isTimedStep(action) ? `${action}, by time` : action,
      from.join(', ') || 'none',
      leadsTo(action).join(', '),
      isTimedStep(action) ? event.description : stepOf(action).summary,
      published.join(', '),
    ];
  });
  return markdownTable([['step', 'from', 'to', 'what it does', 'events'], ...rows]);
}

function errors(): string {
  const rows = problemCodes
    .toSorted((a, b) => problemTable[a].status - problemTable[b].status)
    .map((code) => [`\`${code}\``, String(problemTable[code].status), problemTable[code].title]);
  return markdownTable([['code', 'status', 'title'], ...rows]);
}

/** The members of its data. */
function dataOf({ schema }: EventDefinition): string {
  const data = schema?.();
  if (!(data instanceof z.ZodObject)) throw new TypeError('The data of an event is an object.');
  const { shape }: { shape: Record<string, z.ZodType> } = data;
  return Object.entries(shape)
    .map(([member, type]) => (type.safeParse(undefined).success ? `${member}?` : member))
    .join(', ');
}

function events(): string {
  const rows = catalogue.map((event) => [
    `\`${eventType(event)}\``,
    event.inPlaceOfAnother ? 'that of the event' : `\`${topicOf(event, 'development')}\``,
    dataOf(event),
  ]);
  return markdownTable([['type', 'topic', 'data'], ...rows]);
}

const scopeTable = (): string =>
  markdownTable([['scope', 'allows'], ...scopeNames.map((scope) => [`\`${scope}\``, scopes[scope]])]);

const subscriber = (): string =>
  ['```ts', readDocument('clients/typescript/example/subscriber.ts').trim(), '```'].join('\n');

it.each([
  ['README.md', 'states', states],
  ['docs/subscriber.md', 'subscriber', subscriber],
  ['docs/rules.md', 'lifecycle', lifecycle],
  ['docs/rules.md', 'events', events],
  ['docs/rules.md', 'errors', errors],
  ['docs/rules.md', 'scopes', scopeTable],
])('%s has the %s of the registry', (file, name, make) => {
  if (UPDATE_DOCUMENTS) writeDocument(file, withPart(readDocument(file), name, make()));
  expect(generatedPart(readDocument(file), name), HOW).toBe(make());
});

it.each([
  'README.md',
  'ARCHITECTURE.md',
  'docs/operate.md',
  'docs/performance.md',
  'docs/rules.md',
  'docs/runbook.md',
  'docs/security.md',
  'docs/subscriber.md',
  'invoices/README.md',
  'cashiers/README.md',
  'dead-letters/README.md',
  'billing-runs/README.md',
  'event-versions/README.md',
  'docs/migration.md',
  'event-replays/README.md',
  'access/README.md',
  'clients/typescript/events/README.md',
  'clients/typescript/rest/README.md',
  ...filesIn('docs/decisions'),
])('every file that %s names is there', (file) => {
  expect(missingFiles(file)).toEqual([]);
});
