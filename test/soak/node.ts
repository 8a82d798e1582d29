/** One real process of the service, on its own port, to be killed and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../helpers/free-port.ts';

const READY_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 25;

export interface LogLine {
  level: string;
  event: string;
  err?: { code?: unknown };
  [field: string]: unknown;
}

export interface ServiceNode {
  readonly url: string;
  readonly port: number;
  /** Lines of level error and fatal, and the output on stderr, of all its runs. */
  readonly errors: string[];
  /** Number of lines by event, over all its runs. */
  readonly logged: Map<string, number>;
  readonly up: boolean;
  /** The process id, with which the kernel's peak memory can be read. */
  readonly pid: number;
  start(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
}

export async function createNode(
  name: string,
  folder: string,
  env: Record<string, string>,
  program: string,
): Promise<ServiceNode> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const log = createWriteStream(join(folder, `${name}.log`), { flags: 'a' });
  const errors: string[] = [];
  const logged = new Map<string, number>();
  let child: ChildProcess | null = null;
  let ending = false;
  let starting = false;

  return {
    url,
    port,
    errors,
    logged,
    get up() {
      return child !== null && child.exitCode === null && child.signalCode === null;
    },
    get pid() {
      return child?.pid ?? 0;
    },
    async start() {
      ending = false;
      starting = true;
      const started = spawn(process.execPath, [program, 'serve'], {
        cwd: folder,
        env: {
          PATH: process.env.PATH ?? '',
          HOST: '127.0.0.1',
          PORT: String(port),
          ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      child = started;
      read(started, log);
      started.once('exit', (code, signal) => {
        if (!ending) errors.push(`${name}: the process ended by itself (${signal ?? code})`);
      });
      await ready(started);
    },
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
  };

  function read(from: ChildProcess, to: WriteStream): void {
    let rest = '';
    from.stdout?.setEncoding('utf8').on('data', (text: string) => {
      to.write(text);
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) take(line);
    });
    from.stderr?.setEncoding('utf8').on('data', (text: string) => {
      to.write(text);
      errors.push(`${name}: ${text.trim()}`);
    });
  }

  function take(line: string): void {
    const { level, event, err } = JSON.parse(line) as LogLine;
    logged.set(event, (logged.get(event) ?? 0) + 1);
    // The start is over when its warm-up is, also if webhooks made the service ready before.
    if (event === 'server.warm' || event === 'server.not_warm') starting = false;
    // If several start at once on few cores, a connection may take longer than a webhook could
    // wait, whoever asks for it. It is tried again, and readiness is checked below.
    if (starting && err?.code === 'STORE_UNAVAILABLE') return;
    if (level === 'error' || level === 'fatal') errors.push(`${name}: ${line}`);
  }

  async function ready(started: ChildProcess): Promise<void> {
    const until = performance.now() + READY_WITHIN_MS;
    for (;;) {
      const answer = await fetch(`${url}/health/ready`).catch(() => null);
      await answer?.arrayBuffer();
      if (answer?.status === 200) return;
      if (started.exitCode !== null || performance.now() > until) {
        throw new Error(`${name} did not become ready:\n${errors.slice(-5).join('\n')}`);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    const running = child;
    if (running === null || running.exitCode !== null || running.signalCode !== null) return null;
    ending = true;
    const code = new Promise<number | null>((resolve) => running.once('exit', resolve));
    running.kill(signal);
    return code;
  }
}
