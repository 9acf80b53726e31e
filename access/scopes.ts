/** What a caller may be allowed to do. Every route names the scope that it needs (api/route.ts). */
import { type Step, stepNames, stepOf } from '../invoices/index.ts';

const ofSteps = Object.fromEntries(stepNames.map((step) => [`invoices:${step}`, stepOf(step).summary])) as Record<
  `invoices:${Step}`,
  string
>;

/** By name, with what each allows. */
export const scopes = {
  'invoices:read': 'Read invoices, their history, and what became of a command',
  ...ofSteps,
  'cashiers:read': 'Read cashiers, their currencies and their payments',
  'cashiers:write': 'Add, change and delete cashiers and their currencies',
  'payments:simulate': 'Announce a payment as the gateway would; not in production',
  'billing-runs:read': 'Read billing runs',
  'billing-runs:start': 'Start billing runs, and ask what one would do',
  'dead-letters:read': 'Read dead letters, with the messages as they came',
  'dead-letters:decide': 'Decide dead letters',
  'event-versions:read': 'See which versions of events are published, and who reads them',
  'event-versions:decide': 'Open, deprecate and close versions of events, for all tenants',
  'events:read': 'Read the events as Kafka carries them',
  'events:replay': 'Have events sent once more, to a topic of a subscriber’s own, and see how far that is',
  'keys:manage': 'Make, list, revoke and rotate API keys',
  'limits:manage': 'Read and set how much a tenant may ask for',
  'deprecations:read': 'See which operations will go, and how much they are used',
  'payloads:decode': 'See what Temporal stores encrypted, of every tenant',
  'tenants:all': 'Name any tenant by X-Tenant-Id, and see what belongs to none',
} as const satisfies Record<string, string>;

export type Scope = keyof typeof scopes;

export const scopeNames = Object.keys(scopes) as Scope[];

export const isScope = (text: string): text is Scope => Object.hasOwn(scopes, text);
