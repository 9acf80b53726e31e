/** `npm run import`: invoices from a CSV file, through the REST API. */
import { parseArguments } from '../operations/import/arguments.ts';
import { openCsv } from '../operations/import/csv.ts';
import { startProgress } from '../operations/import/progress.ts';
import { ImportError, createRowReader } from '../operations/import/rows.ts';
import { runImport } from '../operations/import/run.ts';
import { pause, sendBatch, sendCommand } from '../operations/import/send.ts';
import { exitCodeOf, summaryOf } from '../operations/import/summary.ts';
import { stopOnCtrlC } from '../platform/ctrl-c.ts';

async function main(): Promise<void> {
  const { file, service, concurrency, mapping } = parseArguments(process.argv);
  const { headers, bytes, rows } = await openCsv(file);
  const read = createRowReader(headers, mapping);
  const stop = stopOnCtrlC();
  const startedAt = performance.now();
  const progress = startProgress(bytes);
  const deps = { service, stop, onRetry: progress.retry, wait: pause, now: () => performance.now() };
  const tally = await runImport(
    {
      read,
      sendBatch: (batch) => sendBatch(deps, batch),
      send: (command, invoiceId) => sendCommand(deps, command, invoiceId),
      concurrency,
      stop,
      onRow: (row, soFar) => progress.update(row.bytes, soFar),
    },
    rows,
  );
  progress.stop();
  process.stdout.write(`${summaryOf(tally, (performance.now() - startedAt) / 1000)}\n`);
  process.exitCode = exitCodeOf(tally);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof ImportError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
