/**
 * A server that is being started and may never become ready, in its own process or composed in this
 * one. A process costs seconds of CPU, so it is only used to test what only a process has: signals,
 * exit codes, and the user it runs as.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { compose } from '../../src/compose.ts';
import { readConfig } from '../../src/config/config.ts';
import { secretsOf } from '../../src/config/secrets.ts';
import { RefereeError } from '../../src/errors.ts';
import { createLog } from '../../src/log/log.ts';
import { bundledProgram } from '../helpers/bundle.ts';
import { freePort } from '../helpers/free-port.ts';
import { eventually, START_MS } from '../helpers/referee-process.ts';

export const REFEREE = fileURLToPath(new URL('../../bin/referee.js', import.meta.url));

const { x = '' } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
const PUBLIC_KEY = Buffer.from(x, 'base64url').toString('base64');

export interface Starting {
  folder: string;
  /** Everything that it has written. */
  output: () => string;
  /** The answer of the ready endpoint; status 0 without an answer. */
  ready: () => Promise<{ status: number; text: string }>;
  /** True if the start has failed for good. */
  over: () => boolean;
}

export interface StartedProcess extends Starting {
  child: ChildProcess;
  /** The exit code, or the signal's name. */
  exited: () => Promise<number | string | null>;
}

export interface Composed extends Starting {
  stop: () => Promise<void>;
}

type Settings = Record<string, string>;

export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'referee-start-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'routes'));
  writeFileSync(join(folder, 'routes/main.yaml'), 'otherwise: [ignore]\n');
  return folder;
}

async function settings(folder: string, env: Settings) {
  return {
    TELNYX_PUBLIC_KEY: PUBLIC_KEY,
    TELNYX_API_KEY: 'KEY_starting_test',
    ACCOUNT_CHECK_MINUTES: '0',
    WARM_UP_CALLS: '0',
    TELNYX_API_URL: 'http://127.0.0.1:9/v2',
    HOST: '127.0.0.1',
    PORT: String(await freePort()),
    ROUTES_DIR: join(folder, 'routes'),
    DATABASE_URL: `sqlite:${join(folder, 'referee.db')}`,
    DRAIN_DELAY_SECS: '0',
    ...env,
  };
}

async function readyOn(port: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => null);
  return { status: answer?.status ?? 0, text: (await answer?.text()) ?? '' };
}

export async function startProcess(
  env: Settings,
  {
    folder,
    command,
    uid,
    cwd,
  }: { folder?: string; command?: string[]; uid?: number; cwd?: string } = {},
): Promise<StartedProcess> {
  const place = folder ?? (await newFolder());
  const given = await settings(place, env);
  const [file = '', ...args] = command ?? [process.execPath, await bundledProgram(), 'serve'];
  const child = spawn(file, args, {
    cwd: cwd ?? place,
    ...(uid === undefined ? {} : { uid, gid: uid }),
    env: { PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`, ...given },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const exit = once(child, 'exit');
  onTestFinished(() => void child.kill('SIGKILL'));
  return {
    child,
    folder: place,
    output: () => output,
    exited: async () => {
      const [code, signal] = await exit;
      return code ?? signal;
    },
    ready: () => readyOn(given.PORT),
    over: () => child.exitCode !== null || child.signalCode !== null,
  };
}

/** Composes the same as `referee serve`, with its real log. Rejects if the start does. */
export async function composed(env: Settings = {}, place?: string): Promise<Composed> {
  const folder = place ?? (await newFolder());
  const given = await settings(folder, env);
  const config = readConfig(given);
  let output = '';
  const service = await compose(
    config,
    given,
    createLog({
      level: config.logLevel,
      numbers: config.logNumbers,
      key: config.apiKey,
      secrets: secretsOf(config, given),
      destination: {
        write(line) {
          output += line;
        },
      },
      pretty: false,
    }),
  );
  let stopped = false;
  const stop = async () => {
    stopped = true;
    await service.stop(0);
  };
  onTestFinished(stop);
  return {
    folder,
    output: () => output,
    ready: () => readyOn(given.PORT),
    over: () => stopped,
    stop,
  };
}

/** What `referee serve` prints for a failed start: the message, and no stack for our own errors. */
export async function refusal(env: Settings): Promise<string> {
  const error = await composed(env).then(
    () => new Error('it has started'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RefereeError);
  return (error as RefereeError).message;
}

export async function notReady(started: Starting, wanted: RegExp): Promise<string> {
  return await becomes(started, `${wanted} on ready`, ({ status, text }) => {
    return status === 503 && wanted.test(text);
  });
}

export async function becomesReady(started: Starting): Promise<void> {
  await becomes(started, 'ready', ({ status }) => status === 200);
}

async function becomes(
  started: Starting,
  words: string,
  wanted: (last: { status: number; text: string }) => boolean,
): Promise<string> {
  let last = { status: 0, text: '' };
  await eventually(
    async () => {
      if (started.over()) throw new Error(`it has ended:\n${started.output()}`);
      last = await started.ready();
      return wanted(last);
    },
    () => `${words}; it is ${last.status} ${last.text}\n${started.output()}`,
    START_MS,
  );
  return last.text;
}
