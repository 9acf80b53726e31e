/** The span of a request, by the names of OpenTelemetry's conventions. */
import { SpanStatusCode } from '@opentelemetry/api';
import type { RequestHandler } from 'express';
import { SpanKind, openSpan, traceFields } from '../platform/tracing.ts';

/** A caller's trace goes on here. To be mounted before what may answer, where requests are to be traced. */
export const traceRequest: RequestHandler = (request, response, next) => {
  const { method } = request;
  const options = {
    kind: SpanKind.SERVER,
    attributes: { 'http.request.method': method },
    parent: { traceparent: request.get('traceparent') },
  };
  const span = openSpan(method, options, () => {
    response.locals['logged'] = traceFields();
    next();
  });
  response.once('close', () => {
    const route = response.locals['route'] as string | undefined;
    if (route !== undefined) span.updateName(`${method} ${route}`).setAttribute('http.route', route);
    if (response.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.setAttribute('http.response.status_code', response.statusCode).end();
  });
};
