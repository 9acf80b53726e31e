/** For programs that people run by hand. */

/** npm passes a Ctrl-C on that the terminal has sent us already. */
const SAME_CTRL_C_MS = 1_000;

/** Aborted by the first Ctrl-C; a second one ends the process at once. */
export function stopOnCtrlC(): AbortSignal {
  const stop = new AbortController();
  let firstAt: number | undefined;
  const onSignal = () => {
    firstAt ??= performance.now();
    if (performance.now() - firstAt > SAME_CTRL_C_MS) process.exit(1);
    stop.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return stop.signal;
}
