/** By which routes `referee recover` decides beside running servers. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { useRoutesOf } from '../../../src/cli/recover/routes.ts';
import { createRouteVersions } from '../../../src/engine/routes/route-versions.ts';
import { openRoutes, type Routes } from '../../../src/routing/reload.ts';
import { openStore } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { writeFiles } from '../../routing/routes-folder.ts';

let folder: string;
let dir: string;
let store: Store;
let routes: Routes;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referee-recover-routes-'));
  dir = join(folder, 'routes');
  await mkdir(dir);
  store = await openStore({ kind: 'sqlite', path: join(folder, 'referee.db') });
  routes = await load('busy');
});
afterEach(async () => {
  await routes.close();
  await store.close();
  await rm(folder, { recursive: true });
});

async function load(cause: string): Promise<Routes> {
  await writeFiles(dir, { 'main.yaml': `otherwise: [ { reject: ${cause} } ]\n` });
  return openRoutes(dir, { env: {}, handlers: true });
}

/** As a server keeps what it has loaded. */
async function keep({ current, takeFiles }: Routes): Promise<void> {
  const versions = createRouteVersions(store, { failed() {}, worked() {} });
  versions.start();
  const { hash } = current().set;
  versions.keep({ hash, role: 'live', who: 'start', left: null, dir, files: takeFiles() });
  await versions.settled(5_000);
  await versions.stop();
}

const server = (routeSet: string | null) => ({
  id: 'one',
  startedAt: 1,
  seenAt: 1,
  routeSet,
  refusal: null,
});
const live = () => routes.current().set.hash;

test('by those of the servers, if the folder holds others', async () => {
  const theirs = live();
  await keep(routes);
  await routes.close();
  routes = await load('declined');
  const folders = live();
  expect(folders).not.toBe(theirs);
  await useRoutesOf([], routes, store);
  await useRoutesOf([server(null)], routes, store);
  await useRoutesOf([server(theirs), server(folders)], routes, store);
  expect(live()).toBe(folders);
  await useRoutesOf([server(theirs)], routes, store);
  expect(live()).toBe(theirs);
});

test('by none, if those of the servers cannot be had', async () => {
  await expect(useRoutesOf([server('f'.repeat(64))], routes, store)).rejects.toThrow(
    /the servers decide by the routes f+.*Nothing was done/,
  );
});
