/** How a process ends. What would break without it: a restart that looks like a crash to whoever watches exit codes. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLogger } from '../../platform/logger.ts';
import { createShutdown } from '../../platform/shutdown.ts';

const logger = createLogger({ level: 'silent', name: 'test' });
let before: typeof process.exitCode;
beforeEach(() => {
  before = process.exitCode;
});
afterEach(() => {
  process.exitCode = before;
});

/** Without what listens already: those who run this test. */
function signal(name: 'SIGTERM'): void {
  const ours = process.listeners(name).at(-1);
  ours?.(name);
}

it('what is stopped while it starts does not make the end a failure', async () => {
  const { done, fail, onStop } = createShutdown(logger);
  onStop('connection', () => undefined);
  signal('SIGTERM');
  fail(new Error('Client already closed'));
  await done;
  expect(process.exitCode).toBe(before);
});

it('what fails by itself does, and so does what cannot be stopped', async () => {
  const first = createShutdown(logger);
  first.fail(new Error('no server'));
  await first.done;
  expect(process.exitCode).toBe(1);

  process.exitCode = before;
  const second = createShutdown(logger);
  second.onStop('worker', () => Promise.reject(new Error('hangs')));
  signal('SIGTERM');
  await second.done;
  expect(process.exitCode).toBe(1);
});
