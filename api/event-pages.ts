/**
 * The events for people: one page, made of the catalogue, of the occasions that the lifecycles give, and of the published
 * schemas. It needs no JavaScript. What it says of an event stands with the event's definition.
 */
import { type WireSettings, eventType, schemaPath, topicOf } from '../messaging/cloud-event.ts';
import type { EventDefinition } from '../messaging/event.ts';
import type { Occasion } from '../messaging/occasion.ts';
import { HOW_DELIVERED, ONE_STREAM, eventHeaders, keyOf } from './asyncapi.ts';
import { STYLE_PATH } from './event-page-style.ts';
import { type Stages, stageInWords } from './event-stages.ts';
import { type Html, html } from './html.ts';
import { type JsonSchema, eventExample, eventSchema } from './published-schema.ts';

const COUNTED =
  'ce_sequence counts it without a gap, from 1; where a version was opened later, from behind what had been deleted.';

interface PageSettings extends Pick<WireSettings, 'environment'> {
  occasions: ReadonlyMap<string, Occasion>;
  /** The events that are sent to us. */
  received: readonly EventDefinition[];
  stages: Stages;
}

/** All versions of an event. */
interface Group {
  name: string;
  versions: readonly [EventDefinition, ...EventDefinition[]];
}

export function eventsPage(events: readonly EventDefinition[], settings: PageSettings): string {
  const groups = groupsOf(events.filter(({ scope }) => scope === 'public'));
  const isReceived = ({ versions }: Group) => versions.some((event) => settings.received.includes(event));
  const ours = groups.filter((group) => !isReceived(group));
  const theirs = groups.filter(isReceived);
  const anywhere = groups.filter(({ versions: [{ inPlaceOfAnother }] }) => inPlaceOfAnother).map(({ name }) => name);
  const section = (group: Group) => sectionOf(group, anywhere, settings);
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Billing: events</title>
        <link rel="stylesheet" href="${STYLE_PATH}" />
      </head>
      <body>
        <header>
          <h1>Billing: events</h1>
          <p>${HOW_DELIVERED}</p>
          <p>For programs: <a href="/asyncapi.json">AsyncAPI</a>. Commands and reads: <a href="/docs">REST</a>.</p>
        </header>
        <nav aria-label="On this page">
          <h2 id="overview">Overview</h2>
          ${overview('Events that Billing publishes', ours)} ${overview('Events that Billing receives', theirs)}
          <p>
            Each event has <a href="#headers">headers</a>; members that several events share are told
            <a href="#shared">once</a>.
          </p>
        </nav>
        <main>
          <h2 id="published">What Billing publishes</h2>
          ${ours.map(section)}
          <h2 id="received">What Billing receives</h2>
          ${theirs.map(section)}
          <h2 id="headers">Headers</h2>
          <p>${eventHeaders.description}</p>
          ${membersTable('Headers of an event', eventHeaders)}
          <h2 id="shared">Shared members</h2>
          ${Object.entries(sharedSchemas(groups)).map(
            ([id, schema]) =>
              html`<section aria-labelledby="${anchorOf(id)}">
                <h3 id="${anchorOf(id)}">${id}</h3>
                ${membersTable(`Members of ${id}`, schema)}
              </section> `,
          )}
        </main>
      </body>
    </html> `.text;
}

function groupsOf(events: readonly EventDefinition[]): Group[] {
  const byName = new Map<string, Group>();
  for (const event of events) {
    const { versions } = byName.get(event.name) ?? { versions: [] };
    byName.set(event.name, { name: event.name, versions: [...versions, event] as unknown as Group['versions'] });
  }
  return [...byName.values()];
}

const overview = (caption: string, groups: readonly Group[]): Html =>
  html`<table>
    <caption>
      ${caption}
    </caption>
    <thead>
      <tr>
        <th scope="col">event</th>
        <th scope="col">means</th>
      </tr>
    </thead>
    <tbody>
      ${groups.map(
        ({ name, versions: [{ description }] }) =>
          html` <tr>
            <th scope="row"><a href="#${name}">${name}</a></th>
            <td>${description}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;

/** `anywhere` are the names of the events that can stand in the place of another. */
const sectionOf = ({ name, versions }: Group, anywhere: readonly string[], settings: PageSettings): Html => html`
  <section aria-labelledby="${name}">
    <h3 id="${name}">${name}</h3>
    <p>${versions[0].description}</p>
    ${occasionOf(settings.occasions.get(name), anywhere)} ${versions.map((event) => versionOf(event, settings))}
  </section>
`;

function occasionOf(occasion: Occasion | undefined, anywhere: readonly string[]): Html {
  if (!occasion) return html``;
  const { step, summary, before, after, next } = occasion;
  return html`<dl>
    <dt>Published by</dt>
    <dd>${step}${summary === undefined ? '' : `: ${summary}`}</dd>
    <dt>Before it</dt>
    <dd>${before}</dd>
    <dt>After it</dt>
    <dd>${after}</dd>
    <dt>Next in its stream</dt>
    <dd>${next.length === 0 ? 'Nothing' : html`${links(next)}; ${links(anywhere)} in its place`}</dd>
  </dl>`;
}

const links = (names: readonly string[]): Html[] =>
  names.map((name, index) => html`${index === 0 ? '' : ', '}<a href="#${name}">${name}</a>`);

function versionOf(event: EventDefinition, { environment, received, stages }: PageSettings): Html {
  const type = eventType(event);
  const stage = stageInWords(stages, topicOf(event, environment));
  const place = 'that of the event in whose place it is sent';
  return html`<h4 id="${type}">Version ${event.version}</h4>
    <dl>
      <dt>Type</dt>
      <dd><code>${type}</code></dd>
      <dt>Topic</dt>
      <dd>${event.inPlaceOfAnother ? place : html`<code>${topicOf(event, environment)}</code>`}</dd>
      ${
        stage === undefined
          ? ''
          : html`<dt>Now</dt>
              <dd>${stage}</dd>`
      }
      <dt>Key</dt>
      <dd>${event.inPlaceOfAnother ? place : html`<code>${keyOf(event)}</code>`}</dd>
      <dt>Order</dt>
      <dd>${ONE_STREAM}${received.includes(event) ? '' : ` ${COUNTED}`}</dd>
      <dt>JSON Schema</dt>
      <dd><a href="${schemaPath(event)}">${schemaPath(event)}</a></dd>
    </dl>
    ${membersTable(`Data of ${type}`, eventSchema(event))}
    <details>
      <summary>Example of ${type}</summary>
      <pre tabindex="0"><code>${JSON.stringify(eventExample(event), null, 2)}</code></pre>
    </details> `;
}

const membersTable = (caption: string, schema: Readonly<JsonSchema>): Html =>
  html`<table>
    <caption>
      ${caption}
    </caption>
    <thead>
      <tr>
        <th scope="col">member</th>
        <th scope="col">type</th>
        <th scope="col">required</th>
        <th scope="col">meaning</th>
      </tr>
    </thead>
    <tbody>
      ${Object.entries(schema.properties ?? {}).map(
        ([name, member]) =>
          html` <tr>
            <th scope="row"><code>${name}</code></th>
            <td>${typeOf(member as JsonSchema)}</td>
            <td>${schema.required?.includes(name) ? 'required' : 'optional'}</td>
            <td>${meaningOf(member as JsonSchema)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;

const REFERENCE = '#/$defs/';
const anchorOf = (id: string): string => `members-${id}`;

/** `uuid`, `date or null`; what is told elsewhere is a link. */
function typeOf({ $ref: reference, anyOf, items, type, format }: JsonSchema): Html {
  if (reference !== undefined) {
    const id = reference.replace(REFERENCE, '');
    return html`<a href="#${anchorOf(id)}">${id}</a>`;
  }
  if (anyOf) return html`${anyOf.map((one, index) => html`${index === 0 ? '' : ' or '}${typeOf(one)}`)}`;
  if (items) return html`list of ${typeOf(items as JsonSchema)}`;
  return html`${format ?? [type ?? 'anything'].flat().join(' or ')}`;
}

/** The description, and the values that it can have. */
function meaningOf({ description, examples, const: only }: JsonSchema): Html {
  const values = only === undefined ? (examples ?? []) : [only];
  const shown = values.map((value, index) => html`${index === 0 ? '' : ', '}<code>${JSON.stringify(value)}</code>`);
  return html`${description === undefined ? '' : `${description}. `}${only === undefined ? (shown.length === 0 ? '' : 'Such as ') : 'Always '}${shown}`;
}

/** What the data of several events is made of, by its id. */
const sharedSchemas = (groups: readonly Group[]): Record<string, JsonSchema> =>
  Object.assign({}, ...groups.flatMap(({ versions }) => versions.map((event) => eventSchema(event).$defs ?? {})));
