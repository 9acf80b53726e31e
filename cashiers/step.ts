/**
 * What a step of a cashier is: one definition in a file of its own, in cashiers/steps. Its route, its command, its
 * problems and its event are derived from the registry (lifecycle.ts).
 */
import type { z } from 'zod';
import type { Occurrence } from '../commands/command.ts';
import type { Accepted, CommandHead } from '../commands/decision.ts';
import type { InitialOf } from '../commands/members.ts';
import type { CommonCode, Refusal, RefusalRow, Refusals } from '../commands/refusal.ts';
import type { AcceptedCurrency } from './currencies.ts';
import { type Cashier, type WireCashier, type cashierMembers, cashierSchema, cashierToWire } from './members.ts';

/** What a decision needs beside the cashier itself; each step says what of it. */
export interface CashierLookups {
  /** Does another cashier of the tenant have the command's e-mail address, in any case? */
  emailTaken?: boolean;
  /** Does any invoice name the cashier? */
  inUse?: boolean;
}

/** Where lookups come from: the tenant's data, read in the transaction that decides. */
export interface CashierLookupPort {
  emailTaken: (email: string) => Promise<boolean>;
  inUse: () => Promise<boolean>;
}

/** A command as the rules of a step see it. */
export interface Asked<Body> {
  body: Body;
  /** RFC 3339; the only clock that the rules know. */
  acceptedAt: string;
}

type StepDecision<Code extends string> =
  | Accepted<Cashier>
  | { kind: 'replayed' }
  | { kind: 'refused'; refusal: Refusal<Code | CommonCode> };

/** What the caller is told; null for an answer without content. */
export type CashierAnswer = WireCashier | AcceptedCurrency | null;

interface StepAnswer<Body> {
  description: string;
  /** Absent for an answer without content. */
  schema?: z.ZodType;
  of: (cashier: Cashier, asked: Asked<Body>) => CashierAnswer;
}

/** The cashier as it is after the step. */
export const theCashier = (description: string): StepAnswer<unknown> => ({
  description,
  schema: cashierSchema,
  of: cashierToWire,
});

export const nothing = (description: string): StepAnswer<unknown> => ({ description, of: () => null });

/** A command as it is carried out. */
export interface CashierCommandBody<Body> extends CommandHead {
  body: Body;
}

/** What subscribers are told: the cashier as it is after the step, unless the event says something else. */
export interface CashierStepEvent<Body> {
  name: string;
  description: string;
  instead?: {
    schema: () => z.ZodType;
    data: (occurrence: Occurrence<Cashier, CashierCommandBody<Body>>) => unknown;
  };
}

export interface CashierStepDefinition<
  Body = unknown,
  Sent = unknown,
  InPath = unknown,
  Refuses extends Refusals = Refusals,
> {
  /** In the imperative, for callers. */
  summary: string;
  description?: string;
  /** `operationId` where it is not the step's name with Cashier behind it. */
  http: { method: 'post' | 'patch' | 'put' | 'delete'; path: string; operationId?: string };
  /** Does it act on a version that the caller may name (If-Match)? */
  ifMatch: boolean;
  /** What stands in the path beside the cashier's id. */
  inPath?: z.ZodObject & z.ZodType<InPath>;
  /** The body of a request, with examples by their names; none when absent. */
  request?: { schema: z.ZodType<Sent>; examples: Readonly<Record<string, unknown>> };
  /** What the command carries, of what was sent. */
  body: (sent: Sent, inPath: InPath) => Body;
  /** The cashier is gone after it. */
  removes?: true;
  /** Why it alone may be refused. */
  refusals: Refuses;
  lookUp?: (asked: { body: Body }, port: CashierLookupPort) => Promise<CashierLookups>;
  decide: (cashier: Cashier, asked: Asked<Body>, lookups: CashierLookups) => StepDecision<keyof Refuses & string>;
  answer: StepAnswer<Body>;
  /** None for what subscribers do not see. */
  event?: CashierStepEvent<Body>;
}

/** What a cashier has before the step that adds it says more. */
export interface NewCashier extends InitialOf<typeof cashierMembers> {
  tenantId: string;
  id: string;
  createdAt: string;
  updatedAt: string;
}

/** The step that adds a cashier: there is none before it. */
export interface CashierCreateDefinition<
  Body = unknown,
  Sent = unknown,
  Refuses extends Refusals = Refusals,
> extends Omit<CashierStepDefinition<Body, Sent, unknown, Refuses>, 'decide'> {
  draft: (blank: NewCashier, asked: Asked<Body>, lookups: CashierLookups) => StepDecision<keyof Refuses & string>;
}

export const defineCashierStep = <Body, Sent, InPath, const Refuses extends Readonly<Record<string, RefusalRow>>>(
  definition: CashierStepDefinition<Body, Sent, InPath, Refuses>,
): CashierStepDefinition<Body, Sent, InPath, Refuses> => definition;

export const defineCashierCreate = <Body, Sent, const Refuses extends Readonly<Record<string, RefusalRow>>>(
  definition: CashierCreateDefinition<Body, Sent, Refuses>,
): CashierCreateDefinition<Body, Sent, Refuses> => definition;

/** The cashier with its next version. */
export const nextVersion = (cashier: Cashier, acceptedAt: string): Cashier => ({
  ...cashier,
  version: cashier.version + 1,
  updatedAt: acceptedAt,
});
