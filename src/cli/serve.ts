/** `referee serve`: the server, from a checked environment to its last commit. */
import closeWithGrace from 'close-with-grace';
import type { Command } from 'commander';
import { compose, type Service } from '../compose.ts';
import { readConfig, withEnvFile } from '../config/config.ts';
import { RefereeError } from '../errors.ts';
import { createLog, type Log } from '../log/log.ts';
import type { Io } from './io.ts';

/** After our own deadline; then close-with-grace ends the process whatever still hangs. */
const GRACE_MS = 2_000;

export function serveCommand(program: Command, io: Io): void {
  program
    .command('serve')
    .description('take webhooks and move calls; reads the environment, and .env if there is one')
    .action(async () => {
      const started = await start(io);
      if (started === null) process.exitCode = 1;
      else await untilStopped(started);
    });
}

interface Started {
  service: Service;
  log: Log;
  shutdownTimeoutMs: number;
}

async function start(io: Io): Promise<Started | null> {
  let log: Log | null = null;
  try {
    const env = withEnvFile(io.env);
    const config = readConfig(env);
    const secrets = config.adminToken === null ? [] : [config.adminToken];
    log = createLog({
      level: config.logLevel,
      numbers: config.logNumbers,
      key: config.apiKey,
      secrets,
    });
    const service = await compose(config, env, log);
    return { service, log, shutdownTimeoutMs: config.shutdownTimeoutSecs * 1000 };
  } catch (error) {
    // What an operator can mend is said in words; the rest keeps its stack.
    if (error instanceof RefereeError) io.stderr.write(`referee serve: ${error.message}\n`);
    else if (isListenError(error)) io.stderr.write(`referee serve: ${listenProblem(error)}\n`);
    else throw error;
    return null;
  }
}

async function untilStopped({ service, log, shutdownTimeoutMs }: Started): Promise<void> {
  process.on('SIGHUP', () => void service.reload());
  await new Promise<void>((resolve) => {
    const options = {
      delay: shutdownTimeoutMs + GRACE_MS,
      logger: false as const,
      // It would stop at SIGHUP as well, which is our sign to load the routes again.
      skip: ['SIGHUP' as const],
    };
    closeWithGrace(options, async ({ err }) => {
      if (err !== undefined) log.emit('server.failed', { err });
      // A fault leaves no time for a balancer to notice; a signal does.
      await service.stop(err === undefined ? undefined : 0);
      resolve();
    });
  });
}

function isListenError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && error.syscall === 'listen';
}

function listenProblem(error: NodeJS.ErrnoException): string {
  if (error.code === 'EADDRINUSE') {
    return `${error.message}. Another program has this port; set PORT (or ADMIN_PORT) to a free one.`;
  }
  if (error.code === 'EACCES') {
    return `${error.message}. Ports below 1024 need privileges; set PORT to a higher one.`;
  }
  return `${error.message}. Set HOST to an address of this machine.`;
}
