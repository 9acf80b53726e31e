/**
 * A route that will go. The row of the route says when and what comes after it; headers, the OpenAPI document and the
 * end of the route follow from it.
 *
 * Always true:
 * 1. Every answer of the operation tells it, problems too.
 * 2. It is answered on its last day, whole, in UTC. After that it is 410, for whoever may use it.
 * 3. Counting its use makes no request fail, and none wait.
 */
import type { RequestHandler } from 'express';
import { addDays, isDate } from '../values/dates.ts';
import { identityOf } from './identity.ts';
import { Problem } from './problems.ts';
import { type Deprecation, type Route, withParameters } from './route.ts';

const startOf = (day: string): Date => new Date(`${day}T00:00:00Z`);

export const isOver = ({ sunset }: Deprecation, now: Date): boolean => now >= startOf(addDays(sunset, 1));

/** Throws a TypeError when days do not exist, end before they begin, or the successor cannot be named. */
export function checkDeprecation({ operationId, path, deprecated }: Route): void {
  if (!deprecated) return;
  const { since, sunset, successor = '' } = deprecated;
  if (!isDate(since) || !isDate(sunset) || sunset < since)
    throw new TypeError(`${operationId} is deprecated from ${since} to ${sunset}, which are no days in this order.`);
  withParameters(successor, (name) => {
    if (!path.includes(`{${name}}`)) throw new TypeError(`${operationId} has no {${name}} for its successor.`);
    return name;
  });
}

/** Where the request should go from now on. */
const successorOf = ({ successor }: Deprecation, params: Readonly<Record<string, unknown>>): string | undefined =>
  successor && withParameters(successor, (name) => encodeURIComponent(String(params[name])));

/** RFC 9745, RFC 8594, and links of RFC 8288. */
export function deprecationHeaders(
  deprecated: Deprecation,
  params: Readonly<Record<string, unknown>>,
): Record<DeprecationHeader, string> {
  const successor = successorOf(deprecated, params);
  const lastSecond = new Date(startOf(addDays(deprecated.sunset, 1)).getTime() - 1_000);
  return {
    Deprecation: `@${startOf(deprecated.since).getTime() / 1_000}`,
    Sunset: lastSecond.toUTCString(),
    Link: [
      `<${deprecated.link}>; rel="deprecation"`,
      ...(successor === undefined ? [] : [`<${successor}>; rel="successor-version"`]),
    ].join(', '),
  };
}

export const deprecationHeaderNames = ['Deprecation', 'Sunset', 'Link'] as const;
type DeprecationHeader = (typeof deprecationHeaderNames)[number];

/** Tells it on whatever will be answered: to be mounted before anything of the request is looked at. */
export const announce =
  (here: readonly Route[]): RequestHandler =>
  ({ method: asked, params }, response, next) => {
    const method = asked === 'HEAD' ? 'get' : asked.toLowerCase();
    const deprecated = here.find((route) => route.method === method)?.deprecated;
    if (deprecated) response.set(deprecationHeaders(deprecated, params));
    next();
  };

/** Counts who still uses it, and refuses it when it is over: to be mounted where the tenant is known. */
export const untilSunset =
  (deprecated: Deprecation, note: (tenantId: string) => void): RequestHandler =>
  (request, _response, next) => {
    note(identityOf(request).tenantId);
    if (!isOver(deprecated, new Date())) return next();
    const successor = successorOf(deprecated, request.params);
    const instead = successor === undefined ? '' : ` Use ${successor} in its place.`;
    throw new Problem('operation_gone', `The last day of this operation was ${deprecated.sunset}.${instead}`, {
      successor,
    });
  };

/** For who reads the OpenAPI document. */
export const deprecationInWords = ({ since, sunset, successor, link }: Deprecation): string =>
  [
    `Deprecated since ${since}; its last day is ${sunset}, then it is 410 \`operation_gone\`.`,
    ...(successor === undefined ? [] : [`\`${successor}\` takes its place.`]),
    `See <${link}>.`,
  ].join(' ');
