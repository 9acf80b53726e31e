/**
 * Temporal with its Web UI: `TEMPORAL_ADDRESS`, else the development server of the `temporal` CLI, taken from the
 * PATH, from our cache, from the project's download site, or built with Go.
 */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SetupError, say, step } from './progress.mjs';
import { READY_LIMIT_MS, onPath, run, startServer, waitUntil } from './processes.mjs';
import { cacheFolder } from './settings.mjs';

// Later tags carry a replace directive, and `go install` refuses those.
const VERSION = '1.5.1';

/**
 * `codecEndpoint` is where the Web UI has payloads decrypted, when they are encrypted.
 * @returns {Promise<{address: string, stop: () => Promise<void>}>}
 */
export async function startTemporal({ dataFolder, port, uiPort, codecEndpoint = '' }) {
  if (process.env.TEMPORAL_ADDRESS) {
    say('Temporal: the one in TEMPORAL_ADDRESS');
    return { address: process.env.TEMPORAL_ADDRESS, stop: async () => {} };
  }
  const command = await findCli(path.join(dataFolder, 'logs'));
  mkdirSync(path.join(dataFolder, 'temporal'), { recursive: true });
  const server = await startServer({
    name: 'temporal',
    folder: path.join(dataFolder, 'logs'),
    command,
    // The default pragmas halve the speed; these survive a kill all the same.
    args: `server start-dev --ip 127.0.0.1 --port ${port} --ui-ip 127.0.0.1 --ui-port ${uiPort} --log-level warn
      --sqlite-pragma journal_mode=WAL --sqlite-pragma synchronous=NORMAL`
      .split(/\s+/)
      .concat('--db-filename', path.join(dataFolder, 'temporal', 'temporal.db'))
      .concat(codecEndpoint ? ['--ui-codec-endpoint', codecEndpoint] : []),
    ports: [
      { port, setting: 'TEMPORAL_PORT' },
      { port: uiPort, setting: 'TEMPORAL_UI_PORT' },
    ],
  });
  await waitUntil('Temporal', READY_LIMIT_MS, async () => {
    server.assertRunning?.();
    const answer = await fetch(`http://127.0.0.1:${uiPort}/api/v1/cluster-info`, {
      signal: AbortSignal.timeout(1_000),
    });
    return answer.ok;
  });
  say(`Temporal: ready on 127.0.0.1:${port}, Web UI on http://127.0.0.1:${uiPort}`);
  return { address: `127.0.0.1:${port}`, ...server };
}

/** The path of a `temporal` program, built or downloaded into the cache when there is none. */
export async function findCli(logFolder) {
  const installed = onPath('temporal');
  if (installed) return installed;
  const cached = path.join(cacheFolder(), `temporal-${VERSION}`, 'temporal');
  if (existsSync(cached)) return cached;
  mkdirSync(logFolder, { recursive: true });
  const partial = path.join(cacheFolder(), `temporal-${VERSION}.${process.pid}`);
  mkdirSync(partial, { recursive: true });
  const logFile = path.join(logFolder, 'temporal-install.log');
  try {
    await step('Temporal: downloading its CLI', '10 s', () => download(partial)).catch((error) => {
      say(`Temporal: no download here (${error.message}), so it is built from source`);
      if (!onPath('go')) {
        throw new SetupError(
          'there is no Temporal server. Install the Temporal CLI (https://docs.temporal.io/cli) or Go 1.24, or set TEMPORAL_ADDRESS.',
        );
      }
      return step('Temporal: building its CLI with Go, once for this user', '4 min on two cores', () =>
        run('go', ['install', `github.com/temporalio/cli/cmd/temporal@v${VERSION}`], {
          env: { ...process.env, GOBIN: partial, GOFLAGS: '' },
          logFile,
        }),
      );
    });
    rmSync(path.dirname(cached), { recursive: true, force: true });
    renameSync(partial, path.dirname(cached));
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return cached;
}

async function download(folder) {
  const platform = { linux: 'linux', darwin: 'darwin' }[process.platform];
  const arch = { x64: 'amd64', arm64: 'arm64' }[process.arch];
  if (!platform || !arch) throw new Error(`none for ${process.platform} ${process.arch}`);
  const url = `https://temporal.download/cli/archive/v${VERSION}?platform=${platform}&arch=${arch}`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(120_000) }).catch((error) => {
    throw new Error(error.cause?.code ?? error.message);
  });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const archive = path.join(folder, 'temporal.tar.gz');
  writeFileSync(archive, Buffer.from(await answer.arrayBuffer()));
  await run('tar', ['-xzf', archive, '-C', folder, 'temporal']);
  rmSync(archive);
}
