/**
 * A real PostgreSQL for the suites that ask for one. It is started at the first request, so that
 * runs without it need not wait, and removed with its files when the run ends. If TEST_DATABASE_URL
 * is set, that server is used instead.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { type PostgresServer, startOwnPostgres } from './postgres-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgresBroker: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_DATABASE_URL;
  let started: Promise<PostgresServer> | null = null;
  const broker = createServer((_, response) => {
    if (given) {
      response.end(given);
      return;
    }
    started ??= startOwnPostgres();
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
