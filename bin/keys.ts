/** `npm run keys`: API keys, from the machine of who runs the service. It makes the first one. */
import { type Config, ConfigError, databaseLimits, readConfig } from '../platform/config.ts';
import { createDatabase } from '../platform/database.ts';
import { failedServer } from '../platform/failed-server.ts';
import { type KeysRequest, parseArguments } from '../operations/keys/arguments.ts';
import { NoSuchKey, carryOut } from '../operations/keys/run.ts';

async function main(config: Config, request: KeysRequest): Promise<void> {
  const database = createDatabase({
    url: config.DATABASE_URL,
    poolMax: 2,
    applicationName: 'billing-keys',
    limits: databaseLimits(config),
  });
  try {
    process.stdout.write(`${await carryOut(database, request)}\n`);
  } finally {
    await database.$disconnect();
  }
}

try {
  const request = parseArguments(process.argv);
  await main(readConfig(process.env), request);
} catch (error) {
  const server = failedServer(error);
  if (!(error instanceof ConfigError || error instanceof NoSuchKey || server)) throw error;
  const said = error instanceof Error ? error.message : String(error);
  process.stderr.write(server ? `${server} does not answer: ${said}\n` : `${said}\n`);
  process.exitCode = 2;
}
