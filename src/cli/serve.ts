/** `referee serve`: runs the server until it is stopped. */
import closeWithGrace from 'close-with-grace';
import type { Command } from 'commander';
import { compose, type Service } from '../compose.ts';
import type { Config } from '../config/config.ts';
import { type Environment, withEnvFile } from '../config/env-file.ts';
import { secretsOf } from '../config/secrets.ts';
import { RefereeError, StopTimedOut } from '../errors.ts';
import { createLog, type Log } from '../log/log.ts';
import { validConfig } from './serve/start-problems.ts';
import { warmUp } from './serve/warm-up.ts';
import type { Io } from './terminal/io.ts';
import { stopSignal } from './terminal/stop-signal.ts';

/** This long after our own deadline, close-with-grace ends the process, whatever is still open. */
const GRACE_MS = 2_000;
/** The same after a failed start, if something that was opened does not close. */
const FAILED_MS = 1_000;

export function serveCommand(program: Command, io: Io): void {
  program
    .command('serve')
    .description(
      'run the server: receive webhooks and move calls. Reads the environment and .env, if present',
    )
    .action(async () => {
      const prepared = await prepare(io);
      if (prepared !== null && (await run(prepared, io))) return;
      process.exitCode = 1;
      setTimeout(() => process.exit(), FAILED_MS).unref();
    });
}

interface Prepared {
  env: Environment;
  config: Config;
  log: Log;
}

async function prepare(io: Io): Promise<Prepared | null> {
  try {
    const env = withEnvFile(io.env);
    const config = await validConfig(env);
    const log = createLog({
      level: config.logLevel,
      numbers: config.logNumbers,
      key: config.apiKey,
      secrets: secretsOf(config, env),
    });
    return { env, config, log };
  } catch (error) {
    sayFailed(error, io, null);
    return null;
  }
}

/**
 * False if the start failed, true when the server has stopped. Signals are handled from the
 * beginning.
 */
async function run({ env, config, log }: Prepared, io: Io): Promise<boolean> {
  using stopping = stopSignal(io.env);
  const toWarmUp =
    config.warmUpCalls === 0 ? undefined : (signal: AbortSignal) => warmUp(config, log, signal);
  const starting = compose(config, env, log, toWarmUp).catch((error: unknown) => {
    sayFailed(error, io, log);
    return null;
  });
  // One that came earlier was ignored (bin/referee.js): the routes had not been read yet.
  process.on('SIGHUP', () => void starting.then((service) => service?.reload()));
  const stopped = untilStopped(starting, stopping.signal, { config, log, io });
  const service = await starting;
  if (service === null) {
    stopped.forget();
    return false;
  }
  await stopped.done;
  return true;
}

interface Stopping {
  /** Resolves when the process is about to exit. */
  done: Promise<void>;
  forget(): void;
}

function untilStopped(
  starting: Promise<Service | null>,
  signal: AbortSignal,
  { config, log, io }: { config: Config; log: Log; io: Io },
): Stopping {
  const done = Promise.withResolvers<void>();
  const delay = config.shutdownTimeoutSecs * 1000 + GRACE_MS;
  const options = {
    delay,
    logger: false as const,
    // SIGHUP reloads the routes; stop-signal.ts handles the other two.
    skip: ['SIGHUP' as const, 'SIGINT' as const, 'SIGTERM' as const],
    onTimeout: () =>
      io.stderr.write(`referee serve: did not stop within ${delay} ms and was ended\n`),
  };
  const grace = closeWithGrace(options, async ({ err }) => {
    if (err !== undefined) log.emit('server.failed', { err });
    const service = await starting;
    // After a fault there is no time for a load balancer to notice; after a signal there is.
    await service?.stop(err === undefined ? undefined : 0).catch((error: unknown) => {
      // StopTimedOut has already been logged, with what it waited for.
      sayFailed(error, io, error instanceof StopTimedOut ? null : log);
      throw error;
    });
    done.resolve();
    if (service === null) throw new Error('the start failed');
  });
  signal.addEventListener('abort', grace.close, { once: true });
  return { done: done.promise, forget: grace.uninstall };
}

/** Errors that an operator can fix are printed as text; all others are logged with their stack. */
function sayFailed(error: unknown, io: Io, log: Log | null): void {
  if (!(error instanceof RefereeError)) log?.emit('server.failed', { err: error });
  // Only the message, because a system error may carry its arguments, including secrets.
  const message = error instanceof Error ? error.message : String(error);
  io.stderr.write(`referee serve: ${message}\n`);
}
