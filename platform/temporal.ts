/** Temporal: connecting, and what must be there before a worker starts. */
import { setTimeout as pause } from 'node:timers/promises';
import { readFile } from 'node:fs/promises';
import { Client, isGrpcServiceError } from '@temporalio/client';
import { type DataConverter, SearchAttributeType } from '@temporalio/common';
import { NativeConnection, type NativeConnectionOptions } from '@temporalio/worker';
import { dataConverterOf } from './codec.ts';
import type { Config } from './config.ts';

export type TemporalSettings = Pick<
  Config,
  | 'TEMPORAL_ADDRESS'
  | 'TEMPORAL_NAMESPACE'
  | 'TEMPORAL_TLS'
  | 'TEMPORAL_API_KEY'
  | 'TEMPORAL_TLS_CERT_FILE'
  | 'TEMPORAL_TLS_KEY_FILE'
  | 'TEMPORAL_TLS_CA_FILE'
  | 'ENCRYPTION_KEYS'
>;

export interface Temporal {
  connection: NativeConnection;
  client: Client;
  namespace: string;
  /** For a worker: the client has it. */
  dataConverter: DataConverter;
}

interface AttributeKey {
  name: string;
  type: SearchAttributeType;
}

const RETENTION_SECONDS = 90 * 24 * 60 * 60;
const CALL_LIMIT_MS = 5_000;
const PREPARE_LIMIT_MS = 60_000;
const POLL_MS = 200;
const INVALID_ARGUMENT = 3;
const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
const UNAVAILABLE = 14;

/**
 * How a worker polls: half of the polls are for workflows that no worker has cached. With the SDK's two of ten, the
 * first tasks of many that start at once lie in Temporal's database before they are read again.
 */
export const polling = { maxConcurrentWorkflowTaskPolls: 20, nonStickyToStickyPollRatio: 0.5 };

/** Connects; the client uses the worker's native connection, which is the faster one (measured). */
export async function connectTemporal(settings: TemporalSettings): Promise<Temporal> {
  const connection = await NativeConnection.connect({
    address: settings.TEMPORAL_ADDRESS,
    ...(await security(settings)),
  });
  const namespace = settings.TEMPORAL_NAMESPACE;
  const dataConverter = dataConverterOf(settings.ENCRYPTION_KEYS);
  return { connection, client: new Client({ connection, namespace, dataConverter }), namespace, dataConverter };
}

async function security(settings: TemporalSettings): Promise<Partial<NativeConnectionOptions>> {
  const {
    TEMPORAL_API_KEY: apiKey,
    TEMPORAL_TLS_CERT_FILE: cert,
    TEMPORAL_TLS_KEY_FILE: key,
    TEMPORAL_TLS_CA_FILE: ca,
  } = settings;
  const files = {
    ...(ca ? { serverRootCACertificate: await readFile(ca) } : {}),
    ...(cert && key ? { clientCertPair: { crt: await readFile(cert), key: await readFile(key) } } : {}),
  };
  const tls = settings.TEMPORAL_TLS || Object.keys(files).length > 0;
  return { ...(tls ? { tls: files } : {}), ...(apiKey ? { apiKey } : {}) };
}

/**
 * Makes the namespace and its search attributes where that is allowed, and waits until they can be used. A workflow
 * that sets an attribute which is not registered fails every task, so a process does not start without them: it
 * rejects, naming the missing ones.
 */
export async function prepareNamespace(
  { connection, namespace }: Temporal,
  attributes: readonly AttributeKey[],
): Promise<void> {
  const deadline = Date.now() + PREPARE_LIMIT_MS;
  await ensureNamespace(connection, namespace, deadline);
  let refusedBecause = '';
  for (;;) {
    const missing = await missingAttributes(connection, namespace, attributes, deadline).catch((error: unknown) => {
      if (codeOf(error) === NOT_FOUND) return attributes; // the namespace is not known everywhere yet
      throw error;
    });
    if (missing.length === 0) return;
    if (Date.now() > deadline) {
      const names = missing.map(({ name }) => name).join(', ');
      throw new Error(
        `Search attributes are missing in the Temporal namespace "${namespace}": ${names}. ${refusedBecause}`,
      );
    }
    await bounded(connection, deadline, () =>
      connection.operatorService.addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(missing.map(({ name, type }) => [name, indexedType[type]])),
      }),
    ).catch((error: unknown) => {
      if (codeOf(error) !== ALREADY_EXISTS) refusedBecause = String(error);
    });
    await pause(POLL_MS);
  }
}

/** temporal.api.enums.v1.IndexedValueType */
export const indexedType: Record<SearchAttributeType, number> = {
  [SearchAttributeType.TEXT]: 1,
  [SearchAttributeType.KEYWORD]: 2,
  [SearchAttributeType.INT]: 3,
  [SearchAttributeType.DOUBLE]: 4,
  [SearchAttributeType.BOOL]: 5,
  [SearchAttributeType.DATETIME]: 6,
  [SearchAttributeType.KEYWORD_LIST]: 7,
};

async function missingAttributes(
  connection: NativeConnection,
  namespace: string,
  attributes: readonly AttributeKey[],
  deadline: number,
): Promise<readonly AttributeKey[]> {
  const { customAttributes } = await bounded(connection, deadline, () =>
    connection.operatorService.listSearchAttributes({ namespace }),
  );
  return attributes.filter(({ name }) => !(name in customAttributes));
}

async function ensureNamespace(connection: NativeConnection, namespace: string, deadline: number): Promise<void> {
  try {
    await bounded(connection, deadline, () => connection.workflowService.describeNamespace({ namespace }));
    return;
  } catch (error) {
    if (codeOf(error) !== NOT_FOUND) throw error;
  }
  await bounded(connection, deadline, () =>
    connection.workflowService.registerNamespace({
      namespace,
      description: 'Invoices, and what publishes their events',
      // The dev server's own default is a day: paid invoices would vanish from the Web UI.
      workflowExecutionRetentionPeriod: { seconds: RETENTION_SECONDS as never },
    }),
  ).catch((error: unknown) => {
    if (codeOf(error) !== ALREADY_EXISTS) throw error;
  });
}

/** One call, tried again while Temporal is busy or still starting: a slow server is no reason not to start. */
async function bounded<T>(connection: NativeConnection, deadline: number, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await connection.withDeadline(Date.now() + CALL_LIMIT_MS, call);
    } catch (error) {
      if (!isBusy(error) || Date.now() + POLL_MS >= deadline) throw error;
    }
    await pause(POLL_MS);
  }
}

const isBusy = (error: unknown): boolean => [DEADLINE_EXCEEDED, UNAVAILABLE].includes(Number(codeOf(error)));

/** Did Temporal, or the way to it, fail? What it would refuse again is no such failure. */
export function isTemporalFailure(error: unknown): boolean {
  const failures = [error, (error as { cause?: unknown } | null)?.cause];
  return failures.some((one) => isGrpcServiceError(one) && codeOf(one) !== INVALID_ARGUMENT);
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;
