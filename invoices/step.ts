/**
 * What a step of an invoice is: one definition in a file of its own, in invoices/steps. Everything else about it is
 * derived from the registry (lifecycle.ts): its update and activity, its route and its problems, its event, its
 * history.
 *
 * A definition is part of the workflow bundle, which has no zod: whatever makes a schema is a function.
 */
import type { z } from 'zod';
import type { Occurrence, Rows } from '../commands/command.ts';
import type { Accepted, CommandHead } from '../commands/decision.ts';
import type { CommonCode, Refusal, RefusalRow, Refusals } from '../commands/refusal.ts';
import type { InvoiceFields, NewInvoice } from './members.ts';

/** A payment as it is recorded. `reference` is unique in the tenant. */
export interface Payment {
  invoiceId: string;
  amountMinor: number;
  currency: string;
  method: string;
  reference: string;
  receivedAt: string;
}

/** What an invoice needs to know of the cashier that it names. */
export interface NamedCashier {
  /** `day` is YYYY-MM-DD. */
  accepts: (currency: string, day: string) => boolean;
}

/** What a decision needs beside the invoice itself; each step says what of it. */
export interface Lookups {
  /** The payment of this tenant that already has the command's reference. */
  paymentWithReference?: Payment | null;
  /** The cashier that the invoice would have after the step; null when there is none with this id. */
  cashier?: NamedCashier | null;
  /** For tests: overdue begins so long after finalizing, instead of after the due date. */
  overdueAfterMs?: number;
}

/** Where lookups come from: the tenant's data, read in the transaction that decides. */
export interface LookupPort {
  paymentWithReference: (reference: string) => Promise<Payment | null>;
  cashier: (id: string) => Promise<NamedCashier | null>;
  overdueAfterMs: number | undefined;
}

/** A command as the rules of a step see it. */
export interface Asked<Body> {
  body: Body;
  /** RFC 3339; the only clock that the rules know. */
  acceptedAt: string;
}

type StepDecision<To extends string, Code extends string> =
  /** `to` is for a step that leads to one of several statuses; without it the first. */
  | (Accepted<InvoiceFields> & { to?: To })
  | { kind: 'replayed' }
  | { kind: 'refused'; refusal: Refusal<Code | CommonCode> };

/** A command as it is carried out. */
export interface InvoiceCommand<Body> extends CommandHead {
  invoiceId: string;
  /** The version the caller saw (If-Match), or null to act on whatever is current. */
  expectedVersion: number | null;
  body: Body;
}

/** What subscribers are told: the invoice as it is after the step, and what the step says more. */
export interface StepEvent<Body, More extends z.ZodRawShape> {
  name: string;
  description: string;
  more?: () => More;
  data?: (occurrence: Occurrence<InvoiceFields, InvoiceCommand<Body>>) => z.output<z.ZodObject<More>>;
}

/** A further event of a step, which does not show the invoice as a whole. */
export interface FurtherEvent<Body> {
  name: string;
  scope: 'public' | 'internal';
  description: string;
  schema: () => z.ZodType;
  data: (occurrence: Occurrence<InvoiceFields, InvoiceCommand<Body>>) => unknown;
}

interface Common<Body, More extends z.ZodRawShape, Activity extends string> {
  /** What a history says about it. */
  pastTense: string;
  /** The name of its activity, as histories and the Web UI know it. */
  activity: Activity;
  event: StepEvent<Body, More>;
  /** Published after it. */
  furtherEvents?: readonly FurtherEvent<Body>[];
}

export interface StepDefinition<
  From extends string = string,
  To extends string = string,
  Body = unknown,
  Refuses extends Refusals = Refusals,
  More extends z.ZodRawShape = z.ZodRawShape,
  Activity extends string = string,
> extends Common<Body, More, Activity> {
  /** Statuses that it may start from; none for the step that drafts an invoice. */
  from: readonly From[];
  /** Where it leads; with several statuses, `decide` says to which. */
  to: readonly [To, ...To[]];
  /** In the imperative, for callers and staff. */
  summary: string;
  description?: string;
  /** What a body looks like, by the name of the example. Staff are shown the first. */
  examples: Readonly<Record<string, unknown>>;
  body: () => z.ZodType<Body>;
  /** Its method and path, where they are not POST /v1/invoices/{id}/{step}. */
  http?: { method: 'post' | 'patch'; path: string };
  /** Why it alone may be refused. */
  refusals: Refuses;
  lookUp?: (asked: { body: Body }, invoice: InvoiceFields | null, port: LookupPort) => Promise<Lookups>;
  /** Decided before the caller's version and the lifecycle are looked at; undefined to go on. */
  known?: (
    invoice: InvoiceFields,
    asked: Asked<Body>,
    lookups: Lookups,
  ) => StepDecision<To, keyof Refuses & string> | undefined;
  /** `next` is the invoice with its new version. */
  decide: (next: InvoiceFields, asked: Asked<Body>, lookups: Lookups) => StepDecision<To, keyof Refuses & string>;
  /** What only the database can give, drawn in the transaction. */
  completes?: 'number';
  /** Rows of other tables that tell of it. */
  rows?: (occurrence: Occurrence<InvoiceFields, InvoiceCommand<Body>>) => Rows;
}

/** The step that drafts an invoice: there is none before it. */
export interface CreateDefinition<
  To extends string,
  Body,
  Refuses extends Refusals,
  Activity extends string = string,
> extends Omit<StepDefinition<never, To, Body, Refuses, z.ZodRawShape, Activity>, 'known' | 'decide'> {
  draft: (blank: NewInvoice, asked: Asked<Body>, lookups: Lookups) => StepDecision<To, keyof Refuses & string>;
}

/** What time brings. It changes neither status nor version. */
export interface TimedDefinition<
  From extends string = string,
  Body = unknown,
  More extends z.ZodRawShape = z.ZodRawShape,
  Activity extends string = string,
> extends Common<Body, More, Activity> {
  from: readonly From[];
  /** It comes once to an invoice. */
  once?: true;
  /** What it carries, as an example. */
  example: Body;
  decide: (invoice: InvoiceFields, asked: Asked<Body>) => Accepted<InvoiceFields> | { kind: 'replayed' };
}

export const defineStep = <
  const From extends string,
  const To extends string,
  Body,
  const Refuses extends Readonly<Record<string, RefusalRow>>,
  const Activity extends string,
  More extends z.ZodRawShape = z.ZodRawShape,
>(
  definition: StepDefinition<From, To, Body, Refuses, More, Activity>,
): StepDefinition<From, To, Body, Refuses, More, Activity> => definition;

export const defineCreate = <
  const To extends string,
  Body,
  const Refuses extends Readonly<Record<string, RefusalRow>>,
  const Activity extends string,
>(
  definition: CreateDefinition<To, Body, Refuses, Activity>,
): CreateDefinition<To, Body, Refuses, Activity> => definition;

export const defineTimed = <
  const From extends string,
  const Activity extends string,
  Body = Record<string, never>,
  More extends z.ZodRawShape = z.ZodRawShape,
>(
  definition: TimedDefinition<From, Body, More, Activity>,
): TimedDefinition<From, Body, More, Activity> => definition;
