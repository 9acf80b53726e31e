import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, LOCAL_STEP_LIMIT_MS, readConfig, settingNames } from '../../platform/config.ts';
import { localFirst } from '../../workflows/profiles.ts';

const required = {
  AUTH: 'demo',
  DATABASE_URL: 'postgresql://billing@localhost:5433/billing',
  TEMPORAL_ADDRESS: 'localhost:7233',
  KAFKA_BROKERS: 'localhost:9092',
};

/** The settings that are complained about, in the order of the complaints. */
function faultySettings(environment: Record<string, string | undefined>): string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError)
      return [...error.message.matchAll(/^ {2}(\w+): \S/gm)].map(([, name = '']) => name);
    throw error;
  }
  throw new Error('Expected faults in the environment');
}

describe('readConfig', () => {
  it('what is required is enough; the rest has defaults', () => {
    expect(readConfig(required)).toEqual({
      NODE_ENV: 'development',
      LOG_LEVEL: 'info',
      HOST: '127.0.0.1',
      PORT: 3000,
      AUTH: ['demo'],
      ADDRESS_REQUESTS_PER_SECOND: 1_000,
      TENANT_REQUESTS_PER_SECOND: 500,
      TENANT_COMMANDS_AT_ONCE: 200,
      API_PROCESSES: 1,
      TRUSTED_PROXIES: 0,
      REQUEST_DEADLINE_MS: 10_000,
      SHUTDOWN_GRACE_MS: 10_000,
      DATABASE_URL: required.DATABASE_URL,
      DATABASE_POOL_MAX: 20,
      DATABASE_CONNECT_TIMEOUT_MS: 1_000,
      DATABASE_WAIT_TIMEOUT_MS: 400,
      DATABASE_STATEMENT_TIMEOUT_MS: 1_400,
      TEMPORAL_ADDRESS: 'localhost:7233',
      TEMPORAL_NAMESPACE: 'billing',
      TEMPORAL_TASK_QUEUE: 'billing',
      TEMPORAL_TLS: false,
      TEMPORAL_MAX_CACHED_WORKFLOWS: 500,
      WAKEUPS_PER_SECOND: 100,
      KAFKA_BROKERS: ['localhost:9092'],
      KAFKA_TLS: false,
      KAFKA_TOPIC_PARTITIONS: 6,
      KAFKA_TOPIC_REPLICATION: 1,
      OUTBOX_SHARDS: 1,
      RETENTION_EVENTS_DAYS: 90,
    });
  });

  // Who sets a service up would otherwise restart it once for each mistake.
  it('lists every setting that is missing at once', () => {
    expect(faultySettings({})).toEqual(['AUTH', 'DATABASE_URL', 'TEMPORAL_ADDRESS', 'KAFKA_BROKERS']);
  });

  it('lists every setting that is wrong at once', () => {
    const wrong = {
      LOG_LEVEL: 'loud',
      PORT: '65536',
      PUBLIC_URL: 'billing',
      AUTH: 'none',
      REQUEST_DEADLINE_MS: '0',
      SHUTDOWN_GRACE_MS: 'long',
      DATABASE_URL: 'mysql://localhost/billing',
      DATABASE_POOL_MAX: '1',
      DATABASE_CONNECT_TIMEOUT_MS: '0',
      DATABASE_WAIT_TIMEOUT_MS: 'long',
      DATABASE_STATEMENT_TIMEOUT_MS: '1e9',
      TEMPORAL_TLS: 'yes',
      TEMPORAL_MAX_CACHED_WORKFLOWS: '-1',
      KAFKA_BROKERS: ' , ',
      KAFKA_TLS: '1',
      KAFKA_SASL_MECHANISM: 'gssapi',
      KAFKA_TOPIC_PARTITIONS: '0',
      KAFKA_TOPIC_REPLICATION: '1.5',
      OUTBOX_SHARDS: '65',
      TEST_OVERDUE_AFTER_MS: '-1',
    };
    expect(faultySettings({ ...required, ...wrong }).toSorted()).toEqual(Object.keys(wrong).toSorted());
  });

  it('lists at once what does not fit together', () => {
    const faults = faultySettings({
      ...required,
      NODE_ENV: 'production',
      TEMPORAL_TLS_CERT_FILE: import.meta.filename,
      KAFKA_SASL_MECHANISM: 'plain',
    });
    expect(faults).toEqual(['AUTH', 'TEMPORAL_TLS_KEY_FILE', 'KAFKA_SASL_USERNAME']);
  });

  it('lists what does not fit together beside what is missing', () => {
    const faults = faultySettings({ NODE_ENV: 'production', AUTH: 'demo', KAFKA_SASL_MECHANISM: 'plain' });
    expect(faults.toSorted()).toEqual([
      'AUTH',
      'DATABASE_URL',
      'KAFKA_BROKERS',
      'KAFKA_SASL_USERNAME',
      'TEMPORAL_ADDRESS',
    ]);
  });

  // demo believes whatever tenant a header names.
  it('TEN-01: AUTH=demo is refused in production', () => {
    expect(faultySettings({ ...required, NODE_ENV: 'production' })).toEqual(['AUTH']);
    expect(readConfig({ ...required, NODE_ENV: 'test' }).AUTH).toEqual(['demo']);
  });

  it('ACC-01: production starts with issuers, with keys, or with both', () => {
    const issuer = { issuer: 'https://id.example', audience: 'billing', jwksUri: 'https://id.example/keys' };
    const jwt = { ...required, NODE_ENV: 'production', AUTH: 'jwt', AUTH_ISSUERS: JSON.stringify([issuer]) };
    expect(readConfig(jwt).AUTH_ISSUERS).toEqual([
      { ...issuer, tokenType: 'at+jwt', tenantClaim: 'tenant', scopeClaim: 'scope' },
    ]);
    expect(readConfig({ ...jwt, AUTH: 'jwt, keys' }).AUTH).toEqual(['jwt', 'keys']);
    expect(readConfig({ ...required, NODE_ENV: 'production', AUTH: 'keys' }).AUTH).toEqual(['keys']);
  });

  it.each([
    ['no issuer', { AUTH: 'jwt' }],
    ['issuers that nobody asks', { AUTH: 'keys', AUTH_ISSUERS: '[]' }],
    ['demo beside what is safe', { AUTH: 'demo,keys' }],
    ['another word', { AUTH: 'keys,magic' }],
    ['nothing', { AUTH: ' , ' }],
  ])('ACC-01: AUTH is refused with %s', (_what, auth) => {
    expect(faultySettings({ ...required, ...auth })).not.toEqual([]);
  });

  it.each([
    ['no JSON', '{'],
    ['no list', '{}'],
    ['an empty list', '[]'],
    ['no audience', '[{"issuer":"https://id.example","jwksUri":"https://id.example/keys"}]'],
    ['keys that anybody on the way can change', '[{"issuer":"i","audience":"a","jwksUri":"http://id.example/keys"}]'],
    ['no address of keys', '[{"issuer":"i","audience":"a","jwksUri":"keys"}]'],
    [
      'an issuer twice',
      '[{"issuer":"i","audience":"a","jwksUri":"https://a.example"},{"issuer":"i","audience":"b","jwksUri":"https://b.example"}]',
    ],
  ])('ACC-01: AUTH_ISSUERS is refused with %s', (_what, issuers) => {
    const environment = { ...required, AUTH: 'jwt', AUTH_ISSUERS: issuers };
    expect(() => readConfig(environment)).toThrow(/^ {2}AUTH_ISSUERS: \S/m);
  });

  it('a secret may stand in a file, and is read from it as it would be from the environment', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'billing-'));
    const mounted = path.join(folder, 'url');
    writeFileSync(mounted, `${required.DATABASE_URL}\n`);
    const { DATABASE_URL: _, ...others } = required;
    const inFile = { ...others, DATABASE_URL_FILE: mounted };
    expect(readConfig(inFile)).toEqual(readConfig(required));
    expect(faultySettings({ ...inFile, DATABASE_URL: required.DATABASE_URL })).toEqual(['DATABASE_URL_FILE']);
    rmSync(folder, { recursive: true });
    expect(faultySettings(inFile).toSorted()).toEqual(['DATABASE_URL', 'DATABASE_URL_FILE']);
    // A secret is never repeated by the complaint about it.
    expect(() => readConfig({ ...required, DATABASE_URL: 'mysql://billing:s3cret@host' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('s3cret') }),
    );
  });

  // With it, customers would be asked for money that they need not pay yet.
  it.each(['production', 'Production', 'prod'])('TIM-01: TEST_OVERDUE_AFTER_MS is refused in %s', (environment) => {
    const short = { ...required, TEST_OVERDUE_AFTER_MS: '2000' };
    expect(faultySettings({ ...short, NODE_ENV: environment })).toEqual(['AUTH', 'TEST_OVERDUE_AFTER_MS']);
    expect(readConfig({ ...short, NODE_ENV: 'test' }).TEST_OVERDUE_AFTER_MS).toBe(2000);
    expect(readConfig(required)).not.toHaveProperty('TEST_OVERDUE_AFTER_MS');
  });

  it('TEST_FAULTS names points and passes, and is refused in production', () => {
    const armed = { ...required, TEST_FAULTS: 'after-commit=3,after-send=1:freeze' };
    expect(faultySettings({ ...armed, NODE_ENV: 'production' })).toEqual(['AUTH', 'TEST_FAULTS']);
    expect(readConfig({ ...armed, NODE_ENV: 'test' }).TEST_FAULTS).toEqual([
      { point: 'after-commit', pass: 3, freezes: false },
      { point: 'after-send', pass: 1, freezes: true },
    ]);
    for (const TEST_FAULTS of [
      'somewhere=1',
      'after-commit',
      'after-commit=0',
      'after-commit=x',
      'after-commit=1:stop',
    ])
      expect(() => readConfig({ ...required, TEST_FAULTS })).toThrow(/TEST_FAULTS.*must be point=pass/);
  });

  it.each([
    { TEMPORAL_TLS_CERT_FILE: import.meta.filename },
    { TEMPORAL_TLS_KEY_FILE: import.meta.filename },
    { KAFKA_TLS_CERT_FILE: import.meta.filename },
    { KAFKA_TLS_CA_FILE: 'nowhere.pem' },
    { KAFKA_SASL_MECHANISM: 'plain' },
    { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'billing' },
    { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_PASSWORD: 'secret' },
  ])('half of what belongs together, or a file that is not there, is refused: %j', (half) => {
    expect(faultySettings({ ...required, ...half })).toHaveLength(1);
  });

  // What waits must have longer than what it waits for; else a slow answer is given up just before it comes.
  it('deadlines nest: a transaction fits into the local try of a step, a connection into a request', () => {
    const tooLong = { DATABASE_WAIT_TIMEOUT_MS: '1000', DATABASE_STATEMENT_TIMEOUT_MS: '1000' };
    expect(faultySettings({ ...required, ...tooLong })).toEqual(['DATABASE_STATEMENT_TIMEOUT_MS']);
    const shortRequest = { REQUEST_DEADLINE_MS: '500', DATABASE_CONNECT_TIMEOUT_MS: '501' };
    expect(faultySettings({ ...required, ...shortRequest })).toEqual(['DATABASE_CONNECT_TIMEOUT_MS']);
    expect(LOCAL_STEP_LIMIT_MS).toBe(localFirst.scheduleToCloseTimeout);
  });

  it('an empty value counts as absent: the default holds, and what is required is missing', () => {
    const empty = Object.fromEntries(settingNames.map((name) => [name, '']));
    expect(readConfig({ ...empty, ...required })).toEqual(readConfig(required));
    expect(faultySettings(empty)).toEqual(faultySettings({}));
  });

  it('numbers, flags and lists are read from text', () => {
    const config = readConfig({
      ...required,
      PORT: '8080',
      KAFKA_TLS: 'true',
      TEMPORAL_TLS: 'false',
      KAFKA_BROKERS: 'one:9092, two:9092,',
    });
    expect(config).toMatchObject({
      PORT: 8080,
      KAFKA_TLS: true,
      TEMPORAL_TLS: false,
      KAFKA_BROKERS: ['one:9092', 'two:9092'],
    });
  });

  it('other variables of the environment do not matter and are not kept', () => {
    expect(readConfig({ ...required, PATH: '/usr/bin', HOME: undefined })).toEqual(readConfig(required));
  });
});

describe('.env.example', () => {
  const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8');
  const [ofTheService = '', ofNpmStart = ''] = text.split(/^# --- Only npm start ---$/m);
  const namesIn = (part: string) => [...part.matchAll(/^([A-Z][A-Z0-9_]*)=/gm)].map(([, name = '']) => name);

  it('has every setting once, and no other', () => {
    expect(namesIn(ofTheService).toSorted()).toEqual(settingNames.toSorted());
  });

  it('what only npm start knows is no setting of the processes', () => {
    const names = namesIn(ofNpmStart);
    expect(names).not.toEqual([]);
    expect(names.filter((name) => settingNames.includes(name))).toEqual([]);
  });

  it('marks as required exactly what has no default', () => {
    const marked = [...text.matchAll(/^# \(required\).*\n([A-Z_]+)=/gm)].map(([, name = '']) => name);
    expect(marked.toSorted()).toEqual(faultySettings({}).toSorted());
  });

  it('shows the defaults as they are', () => {
    const shown = Object.fromEntries(
      [...ofTheService.matchAll(/^([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(([, n, v]) => [n, v]),
    );
    const usable = Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== ''));
    expect(readConfig({ ...required, ...usable })).toEqual(readConfig(required));
  });
});
