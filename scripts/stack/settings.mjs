/** Where the local stack keeps things, and on which ports it listens. Each has one environment variable. */
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError } from './progress.mjs';

export const projectFolder = fileURLToPath(new URL('../..', import.meta.url));

export const POSTGRES_USER = 'billing';
export const POSTGRES_PASSWORD = 'billing';

/** Downloads and builds that are the same for every clone; safe to delete. */
export const cacheFolder = () =>
  path.resolve(
    process.env.BILLING_CACHE || path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'billing'),
  );

/** Reads .env when there is one; what is already in the environment wins. */
export function loadEnvFile() {
  const file = path.join(projectFolder, '.env');
  if (existsSync(file)) process.loadEnvFile(file);
}

function portSetting(name, fallback) {
  const text = process.env[name] || String(fallback);
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new SetupError(`${name} must be a port between 1 and 65535, not "${text}".`);
  }
  return port;
}

/** The ports and folders `npm start` uses. */
export function startSettings() {
  return {
    dataFolder: path.resolve(projectFolder, process.env.BILLING_DATA || '.data/start'),
    restPort: portSetting('PORT', 3000),
    webUiPort: portSetting('TEMPORAL_UI_PORT', 8233),
    temporalPort: portSetting('TEMPORAL_PORT', 7233),
    kafkaPort: portSetting('KAFKA_PORT', 9092),
    postgresPort: portSetting('POSTGRES_PORT', 5433),
  };
}

/** The service's settings for what `npm start` brings, for a program that runs beside it. */
export function localAddresses() {
  const { postgresPort, temporalPort, kafkaPort } = startSettings();
  return {
    AUTH: 'demo',
    DATABASE_URL: localPostgresUrl(postgresPort),
    TEMPORAL_ADDRESS: `127.0.0.1:${temporalPort}`,
    KAFKA_BROKERS: `127.0.0.1:${kafkaPort}`,
  };
}

export const localPostgresUrl = (port) =>
  `postgresql://${POSTGRES_USER}:${POSTGRES_PASSWORD}@127.0.0.1:${port}/billing`;

/** Short-lived objects are many here: a larger young generation takes a fifth off the service's processor time. */
export const nodeFlags = ['--max-semi-space-size=64'];
