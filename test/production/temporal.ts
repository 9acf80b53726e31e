/** A Temporal server as a deployment has it: its own processes' code, its data in Postgres, client certificates asked for. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { stringify } from 'yaml';
import { freePort, onPath, run, startServer, stopServer } from '../../scripts/stack/processes.mjs';
import { cacheFolder } from '../../scripts/stack/settings.mjs';
import { Connection } from '@temporalio/client';
import { waitFor } from '../support/wait.ts';
import type { Certificates } from './certificates.ts';

const VERSION = '1.32.0';
const PLUGIN = 'postgres12';
const READY_LIMIT_MS = 180_000;
const SCHEMAS = { temporal: 'temporal', temporal_visibility: 'visibility' };

export interface Postgres {
  host: string;
  port: number;
  user: string;
  password: string;
}

export interface RealTemporal {
  address: string;
  stop: () => Promise<void>;
}

/** The programs, from the PATH, from the cache, or built with Go. */
async function programs(logFolder: string): Promise<{ server: string; sql: string }> {
  const found = { server: onPath('temporal-server'), sql: onPath('temporal-sql-tool') };
  if (found.server && found.sql) return { server: found.server, sql: found.sql };
  const folder = path.join(cacheFolder(), `temporal-server-${VERSION}`);
  if (!existsSync(folder)) {
    const partial = `${folder}.${process.pid}`;
    mkdirSync(partial, { recursive: true });
    const env = { ...process.env, GOBIN: partial, GOFLAGS: '' };
    for (const tool of ['server', 'tools/sql'])
      await run('go', ['install', `go.temporal.io/server/cmd/${tool}@v${VERSION}`], {
        env,
        logFile: path.join(logFolder, 'temporal-server-install.log'),
      });
    renameSync(partial, folder);
  }
  return { server: path.join(folder, 'server'), sql: path.join(folder, 'sql') };
}

export async function startRealTemporal(
  folder: string,
  postgres: Postgres,
  certificates: Certificates,
): Promise<RealTemporal> {
  mkdirSync(folder, { recursive: true });
  const { server, sql } = await programs(folder);
  const logFile = path.join(folder, 'schema.log');
  const connected = [
    '--plugin',
    PLUGIN,
    '--ep',
    postgres.host,
    '-p',
    String(postgres.port),
    '-u',
    postgres.user,
    '--pw',
    postgres.password,
  ];
  for (const [database, schema] of Object.entries(SCHEMAS)) {
    const tool = (...args: string[]) => run(sql, [...connected, '--db', database, ...args], { logFile });
    await tool('create');
    await tool('setup-schema', '-v', '0.0');
    await tool('update-schema', '--schema-name', `postgresql/v12/${schema}`);
  }
  const port = await freePort();
  const configFile = path.join(folder, 'server.yaml');
  writeFileSync(path.join(folder, 'dynamic.yaml'), stringify({ 'matching.enableFairness': [{ value: true }] }));
  writeFileSync(configFile, stringify(await configuration(folder, port, postgres, certificates)));
  const started = await startServer({
    name: 'temporal',
    folder: path.join(folder, 'logs'),
    command: server,
    args: ['--config-file', configFile, '--allow-no-auth', 'start'],
    ports: [{ port, setting: 'TEMPORAL_PORT' }],
  });
  const address = `127.0.0.1:${port}`;
  await waitFor(
    'Temporal',
    async () => {
      started.assertRunning?.();
      return isServing(address, certificates);
    },
    READY_LIMIT_MS,
  );
  return { address, stop: () => stopServer('temporal', path.join(folder, 'logs', 'temporal.pid')) };
}

async function isServing(address: string, { ca, cert, key }: Certificates): Promise<boolean> {
  const tls = {
    serverRootCACertificate: readFileSync(ca),
    clientCertPair: { crt: readFileSync(cert), key: readFileSync(key) },
  };
  const connection = await Connection.connect({ address, tls, connectTimeout: '3 seconds' });
  try {
    await connection.workflowService.listNamespaces({});
    return true;
  } finally {
    await connection.close();
    await pause(0);
  }
}

async function configuration(
  folder: string,
  port: number,
  { host, port: postgresPort, user, password }: Postgres,
  { ca, cert, key }: Certificates,
) {
  const store = (databaseName: string) => ({
    sql: {
      pluginName: PLUGIN,
      databaseName,
      connectAddr: `${host}:${postgresPort}`,
      connectProtocol: 'tcp',
      user,
      password,
      maxConns: 10,
      maxIdleConns: 10,
      maxConnLifetime: '1h',
    },
  });
  const service = async (grpcPort?: number) => ({
    rpc: { grpcPort: grpcPort ?? (await freePort()), membershipPort: await freePort(), bindOnLocalHost: true },
  });
  const asServer = { certFile: cert, keyFile: key, requireClientAuth: true, clientCaFiles: [ca] };
  const asClient = { serverName: 'localhost', rootCaFiles: [ca] };
  return {
    log: { stdout: true, level: 'warn' },
    persistence: {
      defaultStore: 'default',
      visibilityStore: 'visibility',
      numHistoryShards: 4,
      datastores: { default: store('temporal'), visibility: store('temporal_visibility') },
    },
    global: {
      membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' },
      tls: { internode: { server: asServer, client: asClient }, frontend: { server: asServer, client: asClient } },
    },
    services: {
      frontend: await service(port),
      history: await service(),
      matching: await service(),
      worker: await service(),
    },
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: { enabled: true, initialFailoverVersion: 1, rpcName: 'frontend', rpcAddress: `127.0.0.1:${port}` },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    dynamicConfigClient: { filepath: path.join(folder, 'dynamic.yaml'), pollInterval: '60s' },
  };
}
