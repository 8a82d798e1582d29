/** Child processes, each pinned to certain cores, so that a server never competes with its load. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

export const REPOSITORY = join(import.meta.dirname, '..');
const START_MS_MAX = 60_000;

/** The server's core, the others, or all of them. */
export type Cores = 'server' | 'load' | 'all';

const CORES = availableParallelism();
export const PINNED = CORES >= 2 && spawnSync('taskset', ['-V']).status === 0;
const SETS: Record<Cores, string> = {
  server: '0',
  load: `1-${CORES - 1}`,
  all: `0-${CORES - 1}`,
};

export interface Server {
  port: number;
  pid: number;
  log: string;
  stop(): Promise<void>;
}

const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

/** Standard output goes to a file, as for a service; `port` finds the port in it. */
export async function startServer(options: {
  args: string[];
  env: Record<string, string>;
  cores: Cores;
  log: string;
  port(output: string): number | null;
}): Promise<Server> {
  const output = openSync(options.log, 'a');
  const child = start(options.args, options.cores, {
    env: { PATH: process.env.PATH ?? '', ...options.env },
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const deadline = Date.now() + START_MS_MAX;
  for (;;) {
    const port = options.port(readFileSync(options.log, 'utf8'));
    if (port !== null) {
      return { port, pid: child.pid ?? 0, log: options.log, stop: () => stop(child) };
    }
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`it did not start:\n${readFileSync(options.log, 'utf8')}`);
    }
    await setTimeout(20);
  }
}

export interface Commanded {
  ask<Answer>(message: unknown): Promise<Answer>;
  stop(): Promise<void>;
}

/** A process of the bench itself, controlled by messages, with one answer to each. */
export async function startCommanded(
  file: string,
  cores: Cores,
  greets: boolean,
): Promise<{ process: Commanded; greeting: unknown }> {
  const child = start([join(import.meta.dirname, file)], cores, {
    env: { ...process.env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const greeting = greets ? (await once(child, 'message'))[0] : null;
  const asked: Commanded = {
    async ask<Answer>(message: unknown): Promise<Answer> {
      const ended = new AbortController();
      child.once('exit', onExit);
      try {
        const answer = once(child, 'message', { signal: ended.signal });
        child.send(message as object);
        const [value] = (await answer) as [Answer];
        return value;
      } finally {
        child.off('exit', onExit);
      }
      function onExit(): void {
        ended.abort(new Error(`${file} ended`));
      }
    },
    stop: () => stop(child),
  };
  return { process: asked, greeting };
}

function start(
  args: string[],
  cores: Cores,
  options: {
    env: NodeJS.ProcessEnv;
    stdio: Parameters<typeof spawn>[2] extends infer T
      ? T extends { stdio?: infer S }
        ? S
        : never
      : never;
  },
): ChildProcess {
  const [file, all] = PINNED
    ? ['taskset', ['-c', SETS[cores], process.execPath, ...args]]
    : [process.execPath, args];
  const child = spawn(file, all, { cwd: REPOSITORY, ...options });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
