/** The page of the events says what the catalogue, the lifecycles and the published schemas say, and nothing of its own. */
import { describe, expect, it } from 'vitest';
import { STYLE_PATH } from '../../api/event-page-style.ts';
import { eventsPage } from '../../api/event-pages.ts';
import { html } from '../../api/html.ts';
import { eventExample, eventSchema } from '../../api/published-schema.ts';
import { cashierSteps } from '../../cashiers/lifecycle.ts';
import { timedSteps } from '../../invoices/lifecycle.ts';
import { eventType, schemaPath, topicOf } from '../../messaging/cloud-event.ts';
import type { EventDefinition } from '../../messaging/event.ts';
import { catalogue } from '../../registry/catalogue.ts';
import { handledEvents } from '../../registry/handlers.ts';
import { occasions } from '../../registry/occasions.ts';
import { assertPublishedEvent } from '../support/published.ts';

const settings = { environment: 'production', occasions, received: handledEvents, stages: new Map() };
const page = eventsPage(catalogue, settings);
const shown = catalogue.filter(({ scope }) => scope === 'public');

/** What stands between the heading of an event and the next heading of that level. */
const sectionOf = (name: string, text = page): string => {
  const from = text.indexOf(`<h3 id="${name}">`);
  if (from === -1) throw new Error(`The page has no section of ${name}.`);
  return text.slice(from, text.indexOf('</section>', from));
};

const unescaped = (text: string): string =>
  text.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));

describe('the page of the events', () => {
  it.each(shown.map((event) => ({ event, type: eventType(event) })))('tells all of $type', ({ event, type }) => {
    const section = sectionOf(event.name);
    expect(unescaped(section)).toContain(event.description);
    const [, own = ''] = section.split(`<h4 id="${type}">`);
    const [version = ''] = own.split('<h4');
    expect(version).toContain(`href="${schemaPath(event)}"`);
    expect(version).toContain(event.inPlaceOfAnother ? 'that of the event' : topicOf(event, 'production'));
    for (const member of Object.keys(eventSchema(event).properties ?? {}))
      expect(version).toContain(`<th scope="row"><code>${member}</code></th>`);
    const [, example = ''] = /<code\s*>([^<]*)<\/code\s*>\s*<\/pre/.exec(version) ?? [];
    expect(JSON.parse(unescaped(example))).toEqual(JSON.parse(JSON.stringify(eventExample(event))));
    assertPublishedEvent(type, eventExample(event));
  });

  it('has no event that is not public', () => {
    const names = [...page.matchAll(/<h3 id="(\w+)">/g)].map(([, name = '']) => name);
    expect(names.toSorted()).toEqual([...new Set(shown.map(({ name }) => name))].toSorted());
    expect(page).not.toContain('InvoiceGenerated');
  });

  it('says when an event is published, and what can come next', () => {
    const paid = sectionOf('InvoicePaid');
    expect(paid).toContain('pay: Record the payment of a finalized invoice');
    expect(paid).toContain('Its status is finalized.');
    expect(paid).toMatch(/Next in its stream<\/dt>\s*<dd>Nothing</);
    const [, next = ''] = /Next in its stream<\/dt>\s*<dd>([^]*?)<\/dd>/.exec(sectionOf('InvoiceFinalized')) ?? [];
    expect([...next.matchAll(/#(\w+)"/g)].map(([, name]) => name)).toEqual([
      'InvoicePaid',
      'InvoiceCancelled',
      'InvoiceOverdue',
      'InvoicePaymentReminderDue',
      'EventWithheld',
    ]);
  });

  it('has no anchor twice, and no link that leads nowhere', () => {
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    const links = [...page.matchAll(/ href="([^"]*)"/g)].map(([, link = '']) => link);
    const here = links.filter((link) => link.startsWith('#')).map((link) => link.slice(1));
    expect(here.length).toBeGreaterThan(30);
    expect(here.filter((id) => !ids.includes(id))).toEqual([]);
    const elsewhere = new Set(['/asyncapi.json', '/docs', STYLE_PATH, ...shown.map(schemaPath)]);
    expect(links.filter((link) => !link.startsWith('#') && !elsewhere.has(link))).toEqual([]);
  });

  it('has a language, one first heading, and a caption and headers in each table', () => {
    expect(page).toMatch(/^<!doctype html>\s*<html lang="en">/);
    expect(page.match(/<h1>/g)).toHaveLength(1);
    const tables = page.split('<table>').slice(1);
    expect(
      tables.filter((table) => !/^\s*<caption>[^<]+<\/caption>\s*<thead>[^]*?<th scope="col">/.test(table)),
    ).toEqual([]);
    const levels = [...page.matchAll(/<h([1-6])/g)].map(([, level]) => Number(level));
    expect(levels.filter((level, index) => index > 0 && level > (levels[index - 1] ?? 0) + 1)).toEqual([]);
  });

  it('needs neither script nor style of its own: the policy of the service forbids them', () => {
    expect(page).not.toMatch(/<script|<style| style=| on\w+=/);
  });

  it('escapes whatever it is made of', () => {
    const nasty = `<img src=x onerror="alert('1')"> & more`;
    const odd: EventDefinition = {
      name: 'InvoiceOdd',
      entity: 'Invoice',
      version: 1,
      scope: 'public',
      key: [nasty],
      subject: 'invoiceId',
      description: nasty,
      example: () => ({ text: nasty }),
    };
    const text = eventsPage([odd], settings);
    expect(text).not.toContain('<img');
    expect(unescaped(sectionOf('InvoiceOdd', text))).toContain(nasty);
    expect(html`<a title="${nasty}">${nasty}</a>`.text).toBe(
      `<a title="${html`${nasty}`.text}">&#60;img src=x onerror=&#34;alert(&#39;1&#39;)&#34;&#62; &#38; more</a>`,
    );
  });

  it('has the versions of an event together, each with its topic and its type', () => {
    const first = catalogue.find(({ name }) => name === 'InvoicePaid') as EventDefinition;
    const text = eventsPage([first, { ...first, version: 2, topicVersion: 'v2' }], settings);
    const section = sectionOf('InvoicePaid', text);
    expect(text.match(/<h3 id="InvoicePaid">/g)).toHaveLength(1);
    expect([...section.matchAll(/<h4 id="([^"]*)">/g)].map(([, id]) => id)).toEqual([
      'billing.invoice.paid.v1',
      'billing.invoice.paid.v2',
    ]);
    expect(section).toContain('prod.billing.public.invoices.v1');
    expect(section).toContain('prod.billing.public.invoices.v2');
  });

  it('says of each version whether it is published now', () => {
    const stages = new Map([
      ['prod.billing.public.invoices.v1', { stage: 'deprecated' as const, sunset: '2031-01-31' }],
      ['prod.billing.public.invoices.v2', { stage: 'open' as const, sunset: null }],
    ]);
    const [, first = '', second = ''] = sectionOf('InvoicePaid', eventsPage(catalogue, { ...settings, stages })).split(
      '<h4',
    );
    expect(first).toContain('Published through 2031-01-31');
    expect(second).toMatch(/>Published\./);
    expect(sectionOf('InvoicePaid')).not.toContain('<dt>Now</dt>');
  });

  it('members that events share are the same wherever they stand', () => {
    const known = new Map<string, unknown>();
    for (const event of shown)
      for (const [id, schema] of Object.entries(eventSchema(event).$defs ?? {}))
        expect(known.set(id, known.get(id) ?? schema).get(id)).toEqual(schema);
    expect([...known.keys()]).toEqual(expect.arrayContaining(['Cashier', 'Invoice', 'Payment']));
  });
});

describe('what the definitions say of their occasions', () => {
  it('every event of our own has one, and what can come next is an event', () => {
    const names = new Set(shown.map(({ name }) => name));
    const ours = shown.filter(
      (event) => !event.inPlaceOfAnother && !handledEvents.some(({ name }) => name === event.name),
    );
    expect([...occasions.keys()].toSorted()).toEqual([...new Set(ours.map(({ name }) => name))].toSorted());
    for (const { next } of occasions.values()) expect(next.filter((name) => !names.has(name))).toEqual([]);
  });

  it('what comes once is overdue, and what removes a cashier is its deletion', () => {
    const { overdue, remind }: Record<string, { once?: true }> = timedSteps;
    expect([overdue?.once, remind?.once]).toEqual([true, undefined]);
    const removing = Object.entries(cashierSteps).flatMap(([step, one]) =>
      'removes' in one && one.removes ? [step] : [],
    );
    expect(removing).toEqual(['delete']);
  });
});
