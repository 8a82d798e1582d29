/** An empty database for one suite, dropped at its end. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { askBroker } from './broker.ts';

export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

export async function freshDatabase(): Promise<TestDatabase> {
  return databaseOn(await askBroker(inject('postgresBroker')));
}

export async function databaseOn(server: string): Promise<TestDatabase> {
  const name = `referee_test_${randomUUID().slice(0, 8)}`;
  await asAdmin(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () => asAdmin(server, `drop database if exists ${name} with (force)`),
  };
}

export async function asAdmin(server: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
