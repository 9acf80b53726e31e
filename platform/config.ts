/** Every setting, read once from the environment. A bad environment stops the process with all faults listed. */
import { accessSync, readFileSync, constants } from 'node:fs';
import { z } from 'zod';
import { encryptionKeysSetting } from './codec.ts';
import { type ArmedFault, type FaultPoint, faultPointNames } from './fault-points.ts';
import { issuersSetting } from './issuers.ts';

const port = z.coerce.number().int().min(1).max(65_535);
const flag = z.enum(['true', 'false']).transform((text) => text === 'true');
const required = z.string({ error: 'must be set' }).min(1);
const readableFile = z.string().min(1).refine(isReadable, 'names a file that cannot be read');
const list = required.transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);
/** `after-commit=3`: at which pass of a point the process dies; `after-commit=3:freeze`: stands still. */
const armedFault = z
  .string()
  .regex(
    new RegExp(`^(?:${faultPointNames.join('|')})=[1-9]\\d{0,5}(?::freeze)?$`),
    `must be point=pass or point=pass:freeze, of ${faultPointNames.join(', ')}`,
  )
  .transform((text): ArmedFault => {
    const [point, pass = '', how] = text.split(/[=:]/);
    return { point: point as FaultPoint, pass: Number(pass), freezes: how === 'freeze' };
  });
const armedFaults = list.pipe(z.array(armedFault));
const authentications = ['demo', 'jwt', 'keys'] as const;
const isAuthentication = (name: string): name is (typeof authentications)[number] =>
  authentications.some((one) => one === name);
/** How callers are told apart. */
const authentication = list.transform((names, context) => {
  if (names.length > 0 && names.every(isAuthentication)) return names;
  context.addIssue('must be jwt, keys or both; or demo');
  return z.NEVER;
});
const count = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

/** What must never happen with real money is refused under either name. */
export const isProduction = (environment: unknown): boolean => /^prod(?:uction)?$/i.test(String(environment));

/** Settings that only make sense together. */
function checkCombinations(env: Partial<Record<string, unknown>>, context: z.RefinementCtx): void {
  const fault = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
  const auth = new Set(Array.isArray(env['AUTH']) ? env['AUTH'] : []);
  if (auth.has('demo') && isProduction(env['NODE_ENV'])) {
    fault('AUTH', 'must not be "demo" when NODE_ENV is production: anybody could name himself any tenant');
  }
  if (auth.has('demo') && auth.size > 1) fault('AUTH', '"demo" stands alone: it believes everybody');
  if (auth.has('jwt') !== (env['AUTH_ISSUERS'] !== undefined)) {
    fault('AUTH_ISSUERS', 'must be set when AUTH has "jwt", and only then');
  }
  if (env['TEST_OVERDUE_AFTER_MS'] !== undefined && isProduction(env['NODE_ENV'])) {
    fault('TEST_OVERDUE_AFTER_MS', 'is for tests only: it must not be set when NODE_ENV is production');
  }
  if (env['TEST_FAULTS'] !== undefined && isProduction(env['NODE_ENV'])) {
    fault('TEST_FAULTS', 'is for tests only: it must not be set when NODE_ENV is production');
  }
  for (const server of ['TEMPORAL', 'KAFKA']) {
    const [certificate, key] = [`${server}_TLS_CERT_FILE`, `${server}_TLS_KEY_FILE`];
    if (Boolean(env[certificate]) !== Boolean(env[key])) fault(key, 'certificate and key are given together');
  }
  if (env['KAFKA_SASL_MECHANISM'] && !(env['KAFKA_SASL_USERNAME'] && env['KAFKA_SASL_PASSWORD'])) {
    fault('KAFKA_SASL_USERNAME', 'KAFKA_SASL_MECHANISM needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD');
  }
}

/**
 * What waits for the database longer than the database itself may take: the local try of a step, which is within a
 * workflow task (workflows/profiles.ts).
 */
export const LOCAL_STEP_LIMIT_MS = 2_000;

/** From the database to the request, what waits has longer than what it waits for. */
function checkNesting(env: Partial<Record<string, unknown>>, context: z.RefinementCtx): void {
  const fault = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
  const [connect, wait, statement, request] = [
    'DATABASE_CONNECT_TIMEOUT_MS',
    'DATABASE_WAIT_TIMEOUT_MS',
    'DATABASE_STATEMENT_TIMEOUT_MS',
    'REQUEST_DEADLINE_MS',
  ].map((name) => (typeof env[name] === 'number' ? env[name] : undefined));
  if (wait !== undefined && statement !== undefined && wait + statement >= LOCAL_STEP_LIMIT_MS) {
    fault(
      'DATABASE_STATEMENT_TIMEOUT_MS',
      `must be below ${LOCAL_STEP_LIMIT_MS} ms together with DATABASE_WAIT_TIMEOUT_MS: the local try of a step has no longer`,
    );
  }
  if (connect !== undefined && request !== undefined && connect > request) {
    fault('DATABASE_CONNECT_TIMEOUT_MS', 'must not be above REQUEST_DEADLINE_MS: a request waits for its connection');
  }
}

const environmentSchema = z
  .object({
    NODE_ENV: z.string().min(1).default('development'),
    LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
    HOST: z.string().default('127.0.0.1'),
    PORT: port.default(3000),
    METRICS_PORT: port.optional(),
    PUBLIC_URL: z.url().optional(),
    AUTH: authentication,
    AUTH_ISSUERS: issuersSetting.optional(),
    ADDRESS_REQUESTS_PER_SECOND: count(1, 1_000_000).default(1_000),
    TENANT_REQUESTS_PER_SECOND: count(1, 1_000_000).default(500),
    TENANT_COMMANDS_AT_ONCE: count(1, 1_000_000).default(200),
    API_PROCESSES: count(1, 1_000).default(1),
    TRUSTED_PROXIES: count(0, 10).default(0),
    REQUEST_DEADLINE_MS: count(100, 120_000).default(10_000),
    SHUTDOWN_GRACE_MS: count(0, 120_000).default(10_000),
    DATABASE_URL: required.regex(/^postgres(ql)?:\/\//, 'must begin with postgresql://'),
    DATABASE_POOL_MAX: count(2, 200).default(20),
    DATABASE_CONNECT_TIMEOUT_MS: count(50, 60_000).default(1_000),
    DATABASE_WAIT_TIMEOUT_MS: count(50, 60_000).default(400),
    DATABASE_STATEMENT_TIMEOUT_MS: count(50, 60_000).default(1_400),
    TEMPORAL_ADDRESS: required,
    TEMPORAL_NAMESPACE: z.string().min(1).default('billing'),
    TEMPORAL_TASK_QUEUE: z.string().min(1).default('billing'),
    TEMPORAL_TLS: flag.default(false),
    TEMPORAL_API_KEY: z.string().min(1).optional(),
    TEMPORAL_TLS_CERT_FILE: readableFile.optional(),
    TEMPORAL_TLS_KEY_FILE: readableFile.optional(),
    TEMPORAL_TLS_CA_FILE: readableFile.optional(),
    TEMPORAL_MAX_CACHED_WORKFLOWS: count(0, 100_000).default(500),
    ENCRYPTION_KEYS: encryptionKeysSetting.optional(),
    CODEC_ORIGINS: list.pipe(z.array(z.url())).optional(),
    WORKFLOW_BUNDLE: z.string().min(1).optional(),
    KAFKA_BROKERS: list.pipe(z.array(z.string()).min(1, 'must name at least one broker')),
    KAFKA_TLS: flag.default(false),
    KAFKA_TLS_CERT_FILE: readableFile.optional(),
    KAFKA_TLS_KEY_FILE: readableFile.optional(),
    KAFKA_TLS_CA_FILE: readableFile.optional(),
    KAFKA_SASL_MECHANISM: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).optional(),
    KAFKA_SASL_USERNAME: z.string().min(1).optional(),
    KAFKA_SASL_PASSWORD: z.string().min(1).optional(),
    KAFKA_TOPIC_PARTITIONS: count(1, 1_000).default(6),
    KAFKA_TOPIC_REPLICATION: count(1, 10).default(1),
    WAKEUPS_PER_SECOND: count(1, 10_000).default(100),
    OUTBOX_SHARDS: count(1, 64).default(1),
    RETENTION_EVENTS_DAYS: count(1, 36_500).default(90),
    OTEL_EXPORTER_OTLP_ENDPOINT: z.url().optional(),
    OTEL_EXPORTER_OTLP_HEADERS: z.string().min(1).optional(),
    TEST_OVERDUE_AFTER_MS: count(0, 86_400_000).optional(),
    TEST_FAULTS: armedFaults.optional(),
  })
  // Also when single settings are wrong, so that all faults are listed at once.
  .superRefine(checkCombinations, { when: () => true })
  .superRefine(checkNesting, { when: () => true });

export type Config = z.output<typeof environmentSchema>;

/** How long what is done in the database may take. */
export const databaseLimits = (config: Config) => ({
  connectMs: config.DATABASE_CONNECT_TIMEOUT_MS,
  waitMs: config.DATABASE_WAIT_TIMEOUT_MS,
  statementMs: config.DATABASE_STATEMENT_TIMEOUT_MS,
});

/** The names of all settings; a test compares them with .env.example. */
export const settingNames: readonly string[] = Object.keys(environmentSchema.shape);

/** Settings that may stand in a file, which NAME_FILE names: a deployment mounts its secrets. */
export const secretNames = [
  'AUTH_ISSUERS',
  'DATABASE_URL',
  'ENCRYPTION_KEYS',
  'TEMPORAL_API_KEY',
  'KAFKA_SASL_PASSWORD',
  'OTEL_EXPORTER_OTLP_HEADERS',
] as const satisfies (keyof Config)[];

/** What is wrong with an environment, one line a fault. */
export class ConfigError extends Error {}

/** Reads the settings; an empty value counts as absent. Throws ConfigError with every fault. */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const secrets = secretNames.map((name) => secretIn(given, name));
  const parsed = environmentSchema.safeParse({
    ...given,
    ...Object.fromEntries(secrets.flatMap(({ name, text }) => (text === undefined ? [] : [[name, text]]))),
  });
  const unread = secrets.flatMap(({ fault }) => fault ?? []);
  if (parsed.success && unread.length === 0) return parsed.data;
  const faults = (parsed.error?.issues ?? []).map(
    ({ path: [name = '', ...inside], message }) =>
      `${String(name)}: ${inside.length > 0 ? `${inside.join('.')} ` : ''}${message}`,
  );
  const lines = [...faults, ...unread].map((line) => `  ${line}`);
  throw new ConfigError(`The environment is not complete (.env.example explains every setting):\n${lines.join('\n')}`);
}

/** The text of a secret that stands in a file. White space at its ends is the editor's. */
function secretIn(
  given: Record<string, string | undefined>,
  name: (typeof secretNames)[number],
): { name: string; text?: string; fault?: string } {
  const inFile = `${name}_FILE`;
  const file = given[inFile];
  if (file === undefined) return { name };
  if (given[name] !== undefined) return { name, fault: `${inFile}: ${name} is set too` };
  if (!isReadable(file)) return { name, fault: `${inFile}: names a file that cannot be read` };
  return { name, text: readFileSync(file, 'utf8').trim() };
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
