/** When a running command is asked to stop: by a signal, or because what started it has gone. */

export interface StopSignal extends Disposable {
  signal: AbortSignal;
}

/**
 * Ctrl-C in a terminal reaches us and npm, and npm passes its own on to us: two within this time are one.
 * A later one is somebody who does not want to wait.
 */
const SAME_SIGNAL_MS = 1_000;
const PARENT_LOOK_MS = 500;

/**
 * npm, npx and "npm run" put a shell in between that a SIGTERM to npm ends without passing it on. Nobody
 * could stop us then but by looking for our number, and the port would stay taken: so we stop when
 * that shell goes. What somebody else starts may well outlive its parent (nohup, a daemon).
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
      process.stderr.write(`referee: a second ${name}, ended without waiting\n`);
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
