/**
 * A route as data: the server mounts it and the OpenAPI document describes it, so neither can know a route that the
 * other does not.
 */
import type { z } from 'zod';
import type { Identity } from '../access/caller.ts';
import type { Scope } from '../access/scopes.ts';
import type { ProblemCode } from './problems.ts';

export type Method = 'get' | 'post' | 'patch' | 'put' | 'delete';

/** A request after the edge: identity known, path and headers at hand, body and query not parsed yet. */
export interface Call {
  identity: Identity;
  method: Method;
  /** Path parameters, decoded. */
  params: Record<string, string>;
  query: unknown;
  body: unknown;
  header: (name: string) => string | undefined;
  /** The caller's Idempotency-Key, or the one made for him; every answer of a command carries it. */
  idempotencyKey: string;
  /** RFC 3339; the instant at which the request was accepted. */
  acceptedAt: string;
}

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  /** Absent for an answer without content. */
  body?: unknown;
}

export interface Route {
  method: Method;
  /** With parameters in braces, as OpenAPI writes them. */
  path: string;
  operationId: string;
  summary: string;
  description?: string;
  tag: string;
  /** What the caller must be allowed to do; null: anybody may ask. */
  scope: Scope | null;
  /** Who may act for all tenants may ask for what belongs to none. */
  ofNoTenant?: boolean;
  /** The limits of the tenant do not hold here: they are raised by it. */
  beyondLimits?: boolean;
  params?: z.ZodObject;
  query?: z.ZodObject;
  body?: { schema: z.ZodType; required: boolean; examples: Record<string, unknown> };
  /** The most bytes of a body; 64 kB when absent. */
  bodyMax?: number;
  /** Does it take If-Match? It takes Idempotency-Key, and every answer of it carries the key. */
  command?: { ifMatch: boolean };
  /** Schema and headers of each answer that is not a problem; a command’s Idempotency-Key goes without saying. */
  answers: Record<number, { description: string; schema?: z.ZodType; headers?: readonly AnswerHeader[] }>;
  problems: readonly ProblemCode[];
  /** It will go; absent: it stays. */
  deprecated?: Deprecation;
  handle: (call: Call) => Promise<Reply>;
}

/** Days in UTC. */
export interface Deprecation {
  /** From which day on nobody should begin to use it. */
  since: string;
  /** The last day on which it is answered. */
  sunset: string;
  /** The path of what takes its place, with parameters that its own path has. */
  successor?: string;
  /** Where it is explained. */
  link: string;
}

export type AnswerHeader =
  | 'ETag'
  | 'Location'
  | 'Idempotency-Key'
  | 'Idempotency-Replayed'
  | 'Retry-After'
  | 'WWW-Authenticate'
  | 'Deprecation'
  | 'Sunset'
  | 'Link';

/** `/v1/invoices/{id}` with something in the place of each parameter. */
export const withParameters = (path: string, valueOf: (name: string) => string): string =>
  path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => valueOf(name));
