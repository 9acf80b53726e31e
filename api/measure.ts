/** Measures requests by the template of their route: a raw path would make a new series of every id. */
import type { RequestHandler } from 'express';

export interface MeasuredRequest {
  route: string;
  method: string;
  /** `aborted`: the caller had gone before the answer was out. */
  status: string;
  seconds: number;
}

const NO_ROUTE = 'other';

/** To be mounted before anything that may answer. */
export const measure =
  (observe: (request: MeasuredRequest) => void): RequestHandler =>
  (request, response, next) => {
    const startedAt = performance.now();
    response.once('close', () =>
      observe({
        route: (response.locals['route'] as string | undefined) ?? NO_ROUTE,
        method: request.method,
        status: response.writableFinished ? String(response.statusCode) : 'aborted',
        seconds: (performance.now() - startedAt) / 1000,
      }),
    );
    next();
  };

/**
 * Notes the route before identity and body are looked at, so that their refusals are counted where they belong. Of two
 * paths that match, the first one has the request: what else is mounted at the second is passed over.
 */
export const noteRoute =
  (path: string): RequestHandler =>
  (_request, response, next) => {
    if (response.locals['route'] !== undefined) return next('route');
    response.locals['route'] = path;
    next();
  };
