/**
 * Traces: what became of one request or message on its way to Kafka, in spans of OpenTelemetry. Until an exporter is
 * started (trace-export.ts) nothing is noted, and nothing is carried on.
 *
 * From process to process a trace goes as a `traceparent` (W3C Trace Context): in the envelope of an update, and in the
 * header `ce_traceparent` of an event. Nothing of it runs in a workflow.
 */
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  context,
  propagation,
  trace,
} from '@opentelemetry/api';

export { SpanKind };

export interface SpanOptions {
  kind?: SpanKind;
  attributes?: Attributes;
  /** A `traceparent` as it came. What is none begins a trace; absent: the span belongs to the one around it. */
  parent?: { traceparent: string | undefined };
  /** The code of an error that is an answer: the span carries it, and has not failed. */
  refusalIn?: (error: unknown) => string | undefined;
}

const tracer = trace.getTracer('billing');

/** Carries `work` out in a span of its own, which ends with it. What it throws marks the span, by the error's name. */
export const inSpan = <T>(
  name: string,
  { parent, refusalIn, ...options }: SpanOptions,
  work: (span: Span) => Promise<T>,
): Promise<T> =>
  tracer.startActiveSpan(name, options, parent ? contextOf(parent.traceparent) : context.active(), async (span) => {
    try {
      return await work(span);
    } catch (error) {
      const refusal = refusalIn?.(error);
      if (refusal === undefined) failed(span, error);
      else span.setAttribute('billing.refused', refusal);
      throw error;
    } finally {
      span.end();
    }
  });

/** A span that ends with an event: it is around what `next` does, and what that leaves to be done later. */
export function openSpan(name: string, { parent, ...options }: Omit<SpanOptions, 'refusalIn'>, next: () => void): Span {
  const around = parent ? contextOf(parent.traceparent) : context.active();
  const span = tracer.startSpan(name, options, around);
  context.with(trace.setSpan(around, span), next);
  return span;
}

/** The message of an error may quote what a caller sent: it stands in the log, and not here. */
function failed(span: Span, error: unknown): void {
  const { type } = (error ?? {}) as { type?: unknown };
  const name = error instanceof Error ? error.name : 'unknown';
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute('error.type', typeof type === 'string' ? type : name);
}

const contextOf = (traceparent: string | undefined): Context =>
  traceparent === undefined ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, { traceparent });

/** The `traceparent` of the span around the caller, as a member of what carries it on; none when nothing is traced. */
export function traced(): { traceparent?: string } {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent === undefined ? {} : { traceparent: carrier.traceparent };
}

/** Notes that what a span did was caused by something in other traces. */
export function linkTo(span: Span, causes: readonly { traceparent: string; attributes: Attributes }[]): void {
  for (const cause of causes) {
    const there = trace.getSpanContext(contextOf(cause.traceparent));
    if (there) span.addLink({ context: there, attributes: cause.attributes });
  }
}

/** What a line of the log says of the span around it. */
export function traceFields(): { trace_id?: string; span_id?: string } {
  const span = trace.getActiveSpan()?.spanContext();
  return span ? { trace_id: span.traceId, span_id: span.spanId } : {};
}
