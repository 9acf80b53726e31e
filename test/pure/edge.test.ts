/** The edge alone, over HTTP: what is answered before anything is looked up. Nothing is behind it. */
import { once } from 'node:events';
import { type IncomingMessage, type Server, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiDeps, apiRoutes, createApp } from '../../api/app.ts';
import { createLogger } from '../../platform/logger.ts';
import { assertPublished, noDeps } from '../support/published.ts';

const deps: ApiDeps = {
  ...noDeps,
  logger: createLogger({ level: 'silent', name: 'test' }),
  version: '0.0.0',
  metrics: { contentType: 'text/plain', text: async () => '', request: () => undefined, deprecated: () => undefined },
};

let server: Server;
beforeAll(async () => {
  server = createApp(deps).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

interface Asked {
  headers?: Record<string, string>;
  body?: string;
}

/** What came back, held against what is published. Not by fetch, which sends only what a browser would. */
async function ask(method: string, path: string, { headers = {}, body = '' }: Asked = {}) {
  const { port } = server.address() as AddressInfo;
  const length = { 'content-length': Buffer.byteLength(body) };
  const sent = request({ port, host: '127.0.0.1', method, path, headers: { ...headers, ...length } }).end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const text = await textOf(answer);
  const { statusCode: status = 0, headers: told } = answer;
  const type = told['content-type'] ?? null;
  const content: unknown = type?.includes('json') && text !== '' ? JSON.parse(text) : text || null;
  assertPublished(method, path, status, type, new Headers(told as Record<string, string>), content);
  return { status, text, allow: told.allow, code: (content as { code?: unknown } | null)?.code };
}

// The words are those by which a lost connection was once known: in what a caller sends they mean nothing.
describe('INV-05: a mistake of the caller is told as one, whatever words it has', () => {
  const json = { 'content-type': 'application/json' };
  it.each([
    ['a body that is cut off in a string', { headers: json, body: '{"a":"' }, 400, 'malformed_request'],
    ['a body that says terminated', { headers: json, body: 'terminated' }, 400, 'malformed_request'],
    [
      'a charset that is called timeout',
      { headers: { 'content-type': 'application/json; charset=timeout' }, body: '{}' },
      415,
      'unsupported_media_type',
    ],
    [
      'an encoding that is called timeout',
      { headers: { ...json, 'content-encoding': 'timeout' }, body: '{}' },
      415,
      'unsupported_media_type',
    ],
    [
      'a media type that is called timeout',
      { headers: { 'content-type': 'timeout/terminated' }, body: '{}' },
      415,
      'unsupported_media_type',
    ],
    [
      'a body that is not compressed as it says',
      { headers: { ...json, 'content-encoding': 'gzip' }, body: 'timeout' },
      400,
      'malformed_request',
    ],
  ])('%s', async (_what, asked, status, code) => {
    expect(await ask('POST', '/v1/invoices', asked)).toMatchObject({ status, code });
    expect(await ask('GET', '/v1/invoices', asked)).toMatchObject({ status, code });
  });

  it.each(['%timeout', '%', '%E0%A4%A', 'terminated%ff', '%C3%28'])('a path with %s', async (id) => {
    for (const path of [`/v1/invoices/${id}`, `/v1/cashiers/${id}/payments`, `/v1/dead-letters/${id}`])
      expect(await ask('GET', path), path).toMatchObject({ status: 400, code: 'malformed_request' });
    expect(await ask('POST', `/v1/invoices/${id}/pay`)).toMatchObject({ status: 400, code: 'malformed_request' });
  });
});

describe('methods', () => {
  const paths = [...new Set(apiRoutes(deps).map(({ path }) => path))];
  const concrete = (path: string) => path.replaceAll(/\{\w+\}/g, 'x');
  const documents = ['/openapi.json', '/asyncapi.json', '/metrics', '/docs', '/schemas/billing.invoice.paid.v1.json'];

  it.each(paths)('OPTIONS %s: Allow names its methods, and every other method is 405 with the same', async (path) => {
    const own = apiRoutes(deps)
      .filter((route) => route.path === path)
      .map(({ method }) => method.toUpperCase());
    const expected = new Set([...own, ...(own.includes('GET') ? ['HEAD'] : []), 'OPTIONS']);
    const { status, allow = '', text } = await ask('OPTIONS', concrete(path));
    expect({ status, text }).toEqual({ status: 204, text: '' });
    expect(allow.split(', ').length).toBe(expected.size);
    expect(new Set(allow.split(', '))).toEqual(expected);
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND']) {
      if (expected.has(method)) continue;
      expect(await ask(method, concrete(path)), method).toMatchObject({ status: 405, allow });
    }
  });

  it('Allow of a literal path is its own, not that of the path with a parameter that matches too', async () => {
    for (const path of ['/v1/dead-letters/replay', '/v1/dead-letters/discard']) {
      expect(await ask('GET', path)).toMatchObject({ status: 405, code: 'method_not_allowed', allow: 'POST, OPTIONS' });
      expect(await ask('OPTIONS', path)).toMatchObject({ status: 204, allow: 'POST, OPTIONS' });
    }
    expect(await ask('OPTIONS', '/v1/dead-letters/x')).toMatchObject({ status: 204, allow: 'GET, HEAD, OPTIONS' });
  });

  it.each(documents)('%s is read, and nothing else', async (path) => {
    expect(await ask('OPTIONS', path)).toMatchObject({ status: 204, allow: 'GET, HEAD, OPTIONS' });
    expect(await ask('DELETE', path)).toMatchObject({ status: 405, allow: 'GET, HEAD, OPTIONS' });
  });

  it('OPTIONS asks for no caller and no body, and where nothing is it is 404', async () => {
    expect(await ask('OPTIONS', '/v1/invoices', { headers: { 'x-tenant-id': 'nobody' } })).toMatchObject({
      status: 204,
    });
    expect(await ask('OPTIONS', '/v1/elsewhere')).toMatchObject({ status: 404, code: 'route_not_found' });
  });

  it('HEAD is answered as GET is, without the body', async () => {
    expect(await ask('HEAD', '/health/live')).toMatchObject({ status: 200, text: '' });
    expect(await ask('HEAD', '/v1/invoices?limit=x')).toMatchObject({ status: 422, text: '' });
  });
});
