/** The pages and documents as they are served: each is there, leads on, and keeps to the policy that is sent with it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type System, startSystem } from '../support/system.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem({}, { worker: false });
});
afterAll(() => system?.stop());

interface Document {
  servers: object[];
  externalDocs: { url: string };
  info: { externalDocs: { url: string } };
}

const ask = (path: string, method = 'GET') => fetch(new URL(path, system.url), { method });
const typeOf = ({ status, headers }: Response) => `${status} ${headers.get('Content-Type')}`;

it('the page of the events is served, and whatever it leads to', async () => {
  const answer = await ask('/docs/events');
  expect(typeOf(answer)).toBe('200 text/html; charset=utf-8');
  const page = await answer.text();
  const links = [...page.matchAll(/ href="(\/[^"#]*)"/g)].map(([, link = '']) => link);
  expect(links).toEqual(expect.arrayContaining(['/docs', '/docs/events.css', '/asyncapi.json']));
  for (const link of new Set(links)) expect(`${(await ask(link)).status} ${link}`).toBe(`200 ${link}`);
  expect(typeOf(await ask('/docs/events.css'))).toBe('200 text/css; charset=utf-8');
});

it('its policy lets it load its style, and it needs no more', async () => {
  const answer = await ask('/docs/events');
  const policy = answer.headers.get('Content-Security-Policy') ?? '';
  expect(policy).toMatch(/style-src 'self'/);
  expect(policy).toMatch(/script-src 'self'/);
  expect(await answer.text()).not.toMatch(/<(?:script|style|img|iframe|form)\b| style=| on\w+=/);
});

it('the page of the REST API still answers everything else below /docs', async () => {
  expect(await (await ask('/docs/')).text()).toContain('swagger-ui');
  expect(typeOf(await ask('/docs/swagger-ui.css'))).toBe('200 text/css; charset=utf-8');
  const tried = await (await ask('/docs/swagger-ui-init.js')).text();
  expect(tried).toContain('/docs/events');
  // Whatever name a browser has for the service, it asks the one that it has the page of.
  expect(tried.replaceAll(/\s/g, '')).toContain('"servers":[{"url":"/"}]');
});

it.each(['/docs/events', '/docs/events.css'])('%s can be read and no more', async (path) => {
  expect(typeOf(await ask(path, 'HEAD'))).toMatch(/^200 /);
  const refused = await ask(path, 'POST');
  expect(`${refused.status} ${refused.headers.get('Allow')}`).toBe('405 GET, HEAD, OPTIONS');
});

it('the documents say where the service is, and where the events can be read', async () => {
  const own = await startSystem({ PUBLIC_URL: 'https://billing.example.com/' }, { worker: false });
  try {
    const [openapi, asyncapi] = await Promise.all(
      (['/openapi.json', '/asyncapi.json'] as const).map(
        async (path) => (await fetch(`${own.url}${path}`)).json() as Promise<Document>,
      ),
    );
    expect(openapi?.servers).toMatchObject([
      { url: 'https://billing.example.com' },
      { url: '{scheme}://{host}:{port}', variables: { host: { default: '127.0.0.1' }, port: { default: '3000' } } },
    ]);
    const events = 'https://billing.example.com/docs/events';
    expect([openapi?.externalDocs.url, asyncapi?.info.externalDocs.url]).toEqual([events, events]);
  } finally {
    await own.stop();
  }
});
