/** Detects that a running command should stop: by a signal, or because its parent has ended. */

interface StopSignal extends Disposable {
  signal: AbortSignal;
}

/**
 * Ctrl-C in a terminal reaches both us and npm, and npm forwards its own, so two signals within
 * this time count as one. A later one means that the user does not want to wait.
 */
const SAME_SIGNAL_MS = 1_000;
const PARENT_LOOK_MS = 500;

/**
 * npm, npx and "npm run" start a shell that a SIGTERM to npm ends without forwarding it. The server
 * would keep running and hold the port, so we stop when that shell ends. With any other parent the
 * server may outlive it (nohup, a daemon).
 */
const UNDER_NPM = 'npm_execpath';

export function stopSignal(env: Record<string, string | undefined>): StopSignal {
  const stopping = new AbortController();
  let first = 0;
  const onSignal = (name: NodeJS.Signals): void => {
    if (!stopping.signal.aborted) {
      first = performance.now();
      stopping.abort(name);
    } else if (performance.now() - first > SAME_SIGNAL_MS) {
      process.stderr.write(`referee: received a second ${name}, ending without waiting\n`);
      process.exit(1);
    }
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const parent = process.ppid;
  const look = (): void => {
    if (process.ppid !== parent && !stopping.signal.aborted) onSignal('SIGTERM');
  };
  const looking = env[UNDER_NPM] === undefined ? undefined : setInterval(look, PARENT_LOOK_MS);
  looking?.unref();
  return {
    signal: stopping.signal,
    [Symbol.dispose]() {
      clearInterval(looking);
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    },
  };
}
