/**
 * A real PostgreSQL for the suites that ask for one. It is started at the first request, so that
 * runs without it need not wait, and removed with its files when the run ends. If TEST_DATABASE_URL
 * is set, that server is used instead.
 */
import type { TestProject } from 'vitest/node';
import { openBroker } from './broker.ts';
import { type PostgresServer, startOwnPostgres } from './postgres-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgresBroker: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_DATABASE_URL;
  let started: Promise<PostgresServer> | null = null;
  const broker = await openBroker(async () => {
    if (given) return given;
    started = startOwnPostgres();
    return (await started).url;
  });
  project.provide('postgresBroker', broker.url);
  return async () => {
    await broker.close();
    await (await started?.catch(() => null))?.stop();
  };
}
