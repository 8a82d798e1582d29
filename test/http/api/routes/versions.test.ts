import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLiveRoutes, type ReloadableRoutes } from '../../../../src/engine/live-routes.ts';
import { createRouteVersions } from '../../../../src/engine/routes/route-versions.ts';
import { RELOADED, ROUTES } from '../../../../src/http/api/routes/routes-schemas.ts';
import { VERSION_DETAIL, VERSIONS } from '../../../../src/http/api/routes/versions-schemas.ts';
import { PROBLEM } from '../../../../src/http/api/schemas.ts';
import { createMetrics } from '../../../../src/metrics.ts';
import { openRoutes } from '../../../../src/routing/reload.ts';
import { openStore } from '../../../../src/store/open.ts';
import { type ServedApp, serveApp } from '../../../helpers/served-app.ts';
import { writeFiles } from '../../../routing/routes-folder.ts';

const FIRST = 'rules: []\notherwise:\n  - reject: busy\n';
const SECOND = 'rules: []\notherwise:\n  - reject: declined\n';

let app: ServedApp;
let live: ReloadableRoutes;
let first: string;
let second: string;
const stack = new AsyncDisposableStack();

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'referee-versions-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const dir = join(folder, 'routes');
  const store = await openStore({ kind: 'sqlite', path: join(folder, 'referee.db') });
  stack.defer(() => store.close());
  await writeFiles(dir, {
    'main.yaml': FIRST,
    'lists/old.txt': '+14155550100\n',
    'lists/latin.txt': Buffer.from('# caf\xe9\n', 'latin1'),
  });
  const routes = await openRoutes(dir, { env: {}, handlers: false });
  stack.defer(() => routes.close());
  const metrics = createMetrics();
  stack.defer(() => metrics.close());
  const versions = createRouteVersions(store, { failed: () => {}, worked: () => {} });
  versions.start();
  const log = { emit: () => {} };
  live = createLiveRoutes({ routes, next: null, store, log, metrics, versions, now: Date.now });
  first = live.current().hash;
  live.report({ ok: true, hash: first, changed: true, warnings: [] }, 'start');
  app = await serveApp({ routes: live, deps: { store } });
  stack.defer(() => app.close());
  await rm(join(dir, 'lists/old.txt'));
  await writeFiles(dir, { 'main.yaml': SECOND, 'lists/new.txt': '+14155550101\n' });
  const answer = await app.api('/v1/routes/reload', { method: 'POST' });
  second = Value.Parse(RELOADED, await answer.json()).hash;
  await versions.settled(5_000);
});
afterAll(() => stack.disposeAsync());

async function refused(answer: Response, status: number, reason: string) {
  const problem = Value.Parse(PROBLEM, await answer.json());
  expect([answer.status, problem.reason]).toEqual([status, reason]);
  return problem;
}

test('the list has the newest first, with who and when, and which one is live', async () => {
  const { versions } = Value.Parse(VERSIONS, await (await app.api('/v1/routes/versions')).json());
  expect(versions).toMatchObject([
    { hash: second, who: 'admin', live: true, until: null, role: 'live' },
    {
      hash: first,
      who: 'start',
      live: false,
      files: ['lists/latin.txt', 'lists/old.txt', 'main.yaml'],
    },
  ]);
  expect(versions[1]?.until).not.toBeNull();
  const page = await (await app.api('/v1/routes/versions?limit=1')).json();
  expect(Value.Parse(VERSIONS, page).versions).toHaveLength(1);
});

test('a version has the text of its files, and says which are not shown', async () => {
  const answer = await app.api(`/v1/routes/versions/${first}`);
  const version = Value.Parse(VERSION_DETAIL, await answer.json());
  expect(version).toMatchObject({ hash: first, who: 'start', live: false });
  expect(version.files).toEqual({ 'main.yaml': FIRST, 'lists/old.txt': '+14155550100\n' });
  expect(version.omitted).toEqual([
    { name: 'lists/latin.txt', bytes: 7, why: 'it is not UTF-8 text' },
  ]);
  expect(version.differs).toBeUndefined();
});

test('two versions are compared line by line', async () => {
  const answer = await app.api(`/v1/routes/versions/${second}?against=${first}`);
  const { differs } = Value.Parse(VERSION_DETAIL, await answer.json());
  expect(differs).toEqual({
    against: first,
    files: [
      {
        name: 'lists/new.txt',
        change: 'added',
        hunks: [{ before_line: 1, after_line: 1, lines: ['++14155550101'] }],
        why: null,
      },
      {
        name: 'lists/old.txt',
        change: 'removed',
        hunks: [{ before_line: 1, after_line: 1, lines: ['-+14155550100'] }],
        why: null,
      },
      {
        name: 'main.yaml',
        change: 'changed',
        hunks: [
          {
            before_line: 1,
            after_line: 1,
            lines: [' rules: []', ' otherwise:', '-  - reject: busy', '+  - reject: declined'],
          },
        ],
        why: null,
      },
    ],
  });
});

test('what does not exist is 404, what is no hash is 400', async () => {
  const none = '0'.repeat(64);
  for (const path of [none, `${first}?against=${none}`]) {
    await refused(await app.api(`/v1/routes/versions/${path}`), 404, 'no_such_version');
  }
  const activate = await app.api(`/v1/routes/versions/${none}/activate`, { method: 'POST' });
  await refused(activate, 404, 'no_such_version');
  expect((await app.api('/v1/routes/versions/abc')).status).toBe(400);
});

test('going back is audited, shown with the routes, and ended by a reload', async () => {
  const body = JSON.stringify({ reason: ' the new menu was wrong ' });
  const path = `/v1/routes/versions/${first}/activate`;
  const answer = await app.api(path, { method: 'POST', body });
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({ ok: true, hash: first, changed: true, warnings: [] });
  const routes = async () => Value.Parse(ROUTES, await (await app.api('/v1/routes')).json());
  expect(await routes()).toMatchObject({
    hash: first,
    activated: { hash: first, who: 'admin', folder: second },
  });
  const audited = app.lines.findLast(({ fields }) => fields.action === 'activate');
  expect(audited?.fields).toMatchObject({
    result: 'ok',
    object: first,
    reason: 'the new menu was wrong',
  });
  await app.api('/v1/routes/reload', { method: 'POST' });
  expect(await routes()).toMatchObject({ hash: second, activated: null });
});
