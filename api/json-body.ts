/**
 * Reads the body of a request: its media type, its size, its JSON. What cannot be read is refused before anything else
 * looks at it.
 *
 * Always true:
 * 1. The text is what was sent: bytes that are no UTF-8 are refused, not replaced.
 * 2. A number that JavaScript would print in another way, such as 1.00 or 19.999999999999999, stays as it was sent, a
 *    LosslessNumber, until a schema reads its digits.
 */
import express, { type RequestHandler } from 'express';
import { LosslessNumber, parse } from 'lossless-json';
import { Problem } from './problems.ts';
import type { Route } from './route.ts';

/** Bytes of a body, unless its route says otherwise. */
const BODY_MAX = 64 * 1024;

const CHARSET = /;\s*charset\s*=\s*"?([^\s";]*)/i;

/** Reads what comes to a route. Without a body there is none; an empty one of type JSON is `{}`. */
export function jsonBody({ bodyMax = BODY_MAX }: Pick<Route, 'bodyMax'>): RequestHandler {
  const readBytes = express.raw({ type: () => true, limit: bodyMax });
  return (request, response, next) => {
    if (!isJson(request)) return next();
    readBytes(request, response, (error?: unknown) => {
      if (error) return next(asProblem(error, bodyMax));
      try {
        request.body = jsonOf(request.body as Uint8Array);
      } catch (problem) {
        return next(problem);
      }
      next();
    });
  };
}

/** Whether there is a body to read. Throws a 415 problem when there is one that is no JSON in UTF-8. */
function isJson(request: Parameters<RequestHandler>[0]): boolean {
  const type = request.get('Content-Type');
  const hasBody = request.get('Transfer-Encoding') !== undefined || Number(request.get('Content-Length') ?? 0) > 0;
  if (!request.is('application/json')) {
    if (!hasBody) return false;
    throw new Problem('unsupported_media_type', `The body must be application/json, not ${type ?? 'without a type'}.`);
  }
  const [, charset = 'utf-8'] = CHARSET.exec(type ?? '') ?? [];
  if (!/^utf-?8$/i.test(charset)) throw new Problem('unsupported_media_type', 'The body must be UTF-8.');
  return true;
}

/** What express.raw could not read. Its errors carry a status and a type. */
function asProblem(error: unknown, bodyMax: number): Problem {
  const { status, type } = error as { status?: number; type?: string };
  if (type === 'entity.too.large')
    return new Problem('payload_too_large', `The body must not be larger than ${Math.floor(bodyMax / 1024)} kB.`);
  if (status === 415) return new Problem('unsupported_media_type', 'The body’s encoding is not supported.');
  return new Problem('malformed_request', 'The body cannot be read.');
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The JSON value of a body, an object or an array. Throws a 400 problem when it is none. */
export function jsonOf(bytes: Uint8Array): unknown {
  const text = textOf(bytes);
  if (text === '') return {};
  if (!/^[ \t\n\r]*[[{]/.test(text)) throw notJson();
  try {
    return parse(text, null, { parseNumber: exactNumber, onDuplicateKey: ({ newValue }) => newValue });
  } catch {
    // Not JSON, or nested so deep that it cannot be read.
    throw notJson();
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Problem('malformed_request', 'The body is not valid UTF-8.');
  }
}

const notJson = () => new Problem('malformed_request', 'The body is not valid JSON.');

const exactNumber = (digits: string): number | LosslessNumber =>
  String(Number(digits)) === digits ? Number(digits) : new LosslessNumber(digits);
