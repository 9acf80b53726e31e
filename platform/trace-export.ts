/** Sends spans to a collector, as OTLP over HTTP. */
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { parseKeyPairsIntoRecord } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import type { Logger } from './logger.ts';

export interface TraceExportSettings {
  /** Where it is (http://collector:4318), and the headers that it asks for: `name=value`, separated by commas. */
  collector: { endpoint: string; headers: string | undefined };
  service: { name: string; version: string; environment: string };
  /** How many links a span may have. */
  linksMax: number;
  logger: Logger;
}

/** For the collector to take what it is sent. */
const EXPORT_LIMIT_MS = 5_000;

/**
 * Which traces are kept is said by OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG, which the library reads itself; all
 * are when they are absent. A collector that is away costs spans and a line in the log, nothing else. Returns how to
 * send what is left.
 */
export function exportTraces({ collector, service, linksMax, logger }: TraceExportSettings): () => Promise<void> {
  const warn = (message: string, ...more: unknown[]) => logger.warn({ more }, `traces: ${message}`);
  const quiet = () => undefined;
  diag.setLogger({ error: warn, warn, info: quiet, debug: quiet, verbose: quiet }, DiagLogLevel.WARN);
  const exporter = new OTLPTraceExporter({
    url: `${collector.endpoint.replace(/\/$/, '')}/v1/traces`,
    headers: parseKeyPairsIntoRecord(collector.headers ?? ''),
    timeoutMillis: EXPORT_LIMIT_MS,
  });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({
      'service.name': service.name,
      'service.namespace': 'billing',
      'service.version': service.version,
      'deployment.environment.name': service.environment,
    }),
    spanLimits: { linkCountLimit: linksMax },
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  provider.register();
  return () =>
    provider.shutdown().catch((error: unknown) => logger.warn({ err: error }, 'traces: what was left was not sent'));
}
