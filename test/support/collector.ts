/** A collector of OpenTelemetry: takes spans as OTLP in JSON, and keeps them. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';
import { waitFor } from './wait.ts';

interface Attribute {
  key: string;
  value: { stringValue?: string; intValue?: number };
}

interface OtlpSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  attributes: Attribute[];
  status: { code?: number };
  links?: { traceId: string; spanId: string; attributes: Attribute[] }[];
}

interface OtlpRequest {
  resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: OtlpSpan[] }[] }[];
}

export interface CollectedSpan {
  service: string;
  name: string;
  traceparent: string;
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  attributes: Record<string, string | number | undefined>;
  failed: boolean;
  /** `traceparent` of what it is linked to, and the id of the message. */
  links: { traceparent: string; messageId: unknown }[];
}

export interface Collector {
  endpoint: string;
  spans: () => CollectedSpan[];
  /** Waits for a span. */
  span: (what: string, isIt: (span: CollectedSpan) => boolean) => Promise<CollectedSpan>;
  /** The headers of the last request. */
  headers: () => Record<string, unknown>;
  stop: () => Promise<void>;
}

const STATUS_ERROR = 2;

export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  let headers: Record<string, unknown> = {};
  const server = createServer((request, response) => {
    headers = request.headers;
    void text(request).then((body) => {
      spans.push(...spansIn(JSON.parse(body) as OtlpRequest));
      response.setHeader('Content-Type', 'application/json').end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => spans,
    span: (what, isIt) => waitFor(what, async () => spans.find(isIt)),
    headers: () => headers,
    stop: async () => {
      server.close().closeAllConnections();
      await once(server, 'close');
    },
  };
}

const spansIn = ({ resourceSpans }: OtlpRequest): CollectedSpan[] =>
  resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap((scope) => scope.spans.map((span) => collected(span, resource.attributes))),
  );

const collected = (
  { traceId, spanId, parentSpanId, name, attributes, status, links = [] }: OtlpSpan,
  resource: readonly Attribute[],
): CollectedSpan => ({
  service: String(valuesOf(resource)['service.name']),
  name,
  traceparent: traceparentOf({ traceId, spanId }),
  traceId,
  spanId,
  parentSpanId,
  attributes: valuesOf(attributes),
  failed: status.code === STATUS_ERROR,
  links: links.map((link) => ({
    traceparent: traceparentOf(link),
    messageId: valuesOf(link.attributes)['messaging.message.id'],
  })),
});

const valuesOf = (attributes: readonly Attribute[]) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]));

const traceparentOf = ({ traceId, spanId }: { traceId: string; spanId: string }): string =>
  `00-${traceId}-${spanId}-01`;
