import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { decide } from '../../../src/core/rules/decide.ts';
import { createLiveRoutes, type ReloadableRoutes } from '../../../src/engine/live-routes.ts';
import {
  createRouteVersions,
  type RouteVersions,
} from '../../../src/engine/routes/route-versions.ts';
import { StoreUnavailable } from '../../../src/errors.ts';
import type { LogFields } from '../../../src/log/log.ts';
import { createMetrics, type Metrics } from '../../../src/metrics.ts';
import { openRoutes, type Routes } from '../../../src/routing/reload.ts';
import { openStore } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { facts, moment } from '../../helpers/route-set.ts';
import { PATIENT_HANDLERS, writeFiles } from '../../routing/routes-folder.ts';

const BUSY = 'otherwise: [ { reject: busy } ]\n';
const DECLINED = 'otherwise: [ { reject: declined } ]\n';

interface Replica {
  routes: Routes;
  live: ReloadableRoutes;
  versions: RouteVersions;
  lines: { event: string; fields: LogFields }[];
  close(): Promise<void>;
}

let folder: string;
let dir: string;
let store: Store;
let metrics: Metrics;
let replicas: Replica[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referee-versions-'));
  dir = join(folder, 'routes');
  await mkdir(dir);
  await writeFiles(dir, { 'main.yaml': BUSY });
  store = await openStore({ kind: 'sqlite', path: join(folder, 'referee.db') });
  metrics = createMetrics();
  replicas = [];
});
afterEach(async () => {
  vi.useRealTimers();
  for (const replica of replicas) await replica.close();
  await store.close();
  metrics.close();
  await rm(folder, { recursive: true });
});

/** Starts like a separate process with this folder. */
async function start(options: { store?: Store; env?: Record<string, string> } = {}) {
  const lines: Replica['lines'] = [];
  const routes = await openRoutes(dir, { env: options.env ?? {}, ...PATIENT_HANDLERS });
  const quiet = { failed: () => {}, worked: () => {} };
  const versions = createRouteVersions(options.store ?? store, quiet, 10);
  versions.start();
  const live = createLiveRoutes({
    routes,
    next: null,
    store: options.store ?? store,
    metrics,
    versions,
    log: { emit: (event, fields = {}) => lines.push({ event, fields }) },
    now: Date.now,
  });
  const { hash } = routes.current().set;
  live.report({ ok: true, hash, changed: true, warnings: [] }, 'start');
  await versions.settled(5_000);
  const replica: Replica = {
    routes,
    live,
    versions,
    lines,
    async close() {
      await versions.stop();
      await routes.close();
    },
  };
  replicas.push(replica);
  return replica;
}

async function change(text: string): Promise<void> {
  await writeFiles(dir, { 'main.yaml': text });
}

const hashOf = ({ live }: Replica) => live.current().hash;
const loadsOf = ({ lines }: Replica) =>
  lines.filter(({ event }) => event === 'routes.loaded').length;
const listed = async () =>
  (await store.routeVersions(10)).map(({ who, until }) => `${who} ${until === null}`);

describe('every set that becomes live is kept', () => {
  test('with who made it so and its files; an unchanged reload or restart adds nothing', async () => {
    await writeFiles(dir, { 'lists/vip.txt': '+14155550100\n' });
    const one = await start();
    expect(await listed()).toEqual(['start true']);
    await one.live.reload('anna');
    await start();
    expect(await listed()).toEqual(['start true']);

    await change(DECLINED);
    await one.live.reload('anna');
    await one.versions.settled(5_000);
    expect(await listed()).toEqual(['anna true', 'start false']);
    const [newest] = await store.routeVersions(1);
    expect(newest?.files.map(({ name, bytes }) => [name, bytes])).toEqual([
      ['lists/vip.txt', 13],
      ['main.yaml', DECLINED.length],
    ]);
  });

  test('with the commit of the folder, from a branch, packed or not, and from a worktree', async () => {
    const commit = 'a'.repeat(40);
    const git = join(folder, '.git');
    await writeFiles(git, { HEAD: 'ref: refs/heads/main\n', 'refs/heads/main': `${commit}\n` });
    await start();
    expect((await store.routeVersions(1))[0]?.commit).toBe(commit);

    await rm(join(git, 'refs'), { recursive: true });
    const packed = 'b'.repeat(40);
    await writeFile(join(git, 'packed-refs'), `# pack-refs\n${packed} refs/heads/main\n`);
    await change(DECLINED);
    await start();
    expect((await store.routeVersions(1))[0]?.commit).toBe(packed);

    const linked = 'c'.repeat(40);
    await writeFiles(dir, { '.git': 'gitdir: ../.git/worktrees/it\n' });
    await writeFiles(join(git, 'worktrees', 'it'), { HEAD: `${linked}\n` });
    await change(`${DECLINED}# another\n`);
    await start();
    expect((await store.routeVersions(1))[0]?.commit).toBe(linked);
  });

  test('later, if the store cannot take it now', async () => {
    let fails = true;
    const shaky = new Proxy(store, {
      get: (target, name: keyof Store) =>
        name === 'keepRouteVersion' && fails
          ? async () => {
              fails = false;
              throw new StoreUnavailable('is away');
            }
          : target[name],
    });
    const one = await start({ store: shaky });
    await one.versions.settled(5_000);
    expect(await listed()).toEqual(['start true']);
  });
});

describe('going back', () => {
  test('makes the kept files live until a reload, says so loudly, and keeps the commit', async () => {
    const one = await start();
    const first = hashOf(one);
    await change(DECLINED);
    await one.live.reload('anna');
    const second = hashOf(one);
    expect(one.live.troubles()).toEqual([]);

    expect(await one.live.activate(first, 'ben')).toMatchObject({ ok: true, hash: first });
    expect(hashOf(one)).toBe(first);
    expect(one.live.activated()).toMatchObject({ hash: first, who: 'ben', folder: second });
    expect(one.live.troubles()).toMatchObject([{ kind: 'routes.activated', severity: 'error' }]);
    expect(await metrics.text()).toContain('referee_routes_activated 1');
    expect(one.lines.at(-1)).toMatchObject({ event: 'routes.activated', fields: { who: 'ben' } });
    await one.versions.settled(5_000);
    expect(await listed()).toEqual(['ben true', 'anna false']);

    await one.live.reload('anna');
    expect(hashOf(one)).toBe(second);
    expect([one.live.activated(), one.live.troubles()]).toEqual([null, []]);
    expect(await metrics.text()).toContain('referee_routes_activated 0');
  });

  test('a watched folder that did not change leaves it alone; one that changes ends it', async () => {
    const one = await start();
    const first = hashOf(one);
    await change(DECLINED);
    await one.live.reload('anna');
    await one.live.activate(first, 'ben');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const heard = new Promise<void>((resolve) => {
      one.routes.watch((reload) => {
        one.live.report(reload, 'folder');
        resolve();
      });
    });
    await change(`${DECLINED}# fixed\n`);
    vi.advanceTimersByTime(1_000);
    await heard;
    expect(one.live.activated()).toBeNull();
    expect(hashOf(one)).not.toBe(first);
    await one.versions.settled(5_000);
    expect((await listed())[0]).toBe('folder true');
  });

  test('a watched folder that was invalid for a moment and is what it was leaves it alone', async () => {
    const one = await start();
    const first = hashOf(one);
    await change(DECLINED);
    await one.live.reload('anna');
    await one.live.activate(first, 'ben');
    const heard: boolean[] = [];
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    one.routes.watch((reload) => {
      one.live.report(reload, 'folder');
      heard.push(reload.ok);
    });
    await change('otherwise: [ { reject: ');
    vi.advanceTimersByTime(1_000);
    await expect.poll(() => heard).toEqual([false]);
    await change(DECLINED);
    vi.advanceTimersByTime(1_000);
    await expect.poll(() => heard).toEqual([false, true]);
    expect([hashOf(one), one.live.activated()?.who, one.live.refusal()]).toEqual([
      first,
      'ben',
      null,
    ]);
    await one.live.reload('anna');
    expect(one.live.activated()).toBeNull();
  });

  test('the handlers that run are those of the version', async () => {
    const handler = (cause: string) =>
      `import type { Handler } from 'telnyx-referee';\nexport default ((call) => [{ reject: '${cause}' }]) satisfies Handler;\n`;
    const main = 'rules: [ { name: h, handler: handlers/h.ts } ]\notherwise: [ hangup ]\n';
    await writeFiles(dir, { 'main.yaml': main, 'handlers/h.ts': handler('busy') });
    const one = await start();
    const first = hashOf(one);
    await writeFiles(dir, { 'handlers/h.ts': handler('declined') });
    await one.live.reload('anna');
    const asked = () => decide(one.routes.current(), facts(), moment(), {}).plan;
    // On a busy machine the process that handlers run in may not have started yet.
    await expect.poll(asked).toEqual([{ do: 'reject', cause: 'declined' }]);
    await one.live.activate(first, 'ben');
    await expect.poll(asked).toEqual([{ do: 'reject', cause: 'busy' }]);
  });

  test('is refused, and changes nothing, where the version is unknown, incomplete or no longer good', async () => {
    const secret = `targets: { t: { sip: "sip:t@pbx.example.com", auth: { username: u, password: "\${P}" } } }
rules: [ { name: r, do: [ { refer: t } ] } ]
otherwise: [ hangup ]\n`;
    await change(secret);
    const before = await start({ env: { P: 'x' } });
    const first = hashOf(before);
    await change(DECLINED);
    const one = await start();
    expect(await one.live.activate('0'.repeat(64), 'ben')).toEqual({
      ok: false,
      why: 'no_such_version',
    });
    expect(await one.live.activate(first, 'ben')).toMatchObject({
      ok: false,
      problems: [{ file: 'main.yaml' }],
    });
    const files = [{ name: 'lists/all.txt', key: 'x', bytes: 99_000_000, parts: null }];
    await store.keepRouteVersion(
      { hash: 'big', role: 'live', who: 'start', commit: null, files },
      null,
    );
    expect(await one.live.activate('big', 'ben')).toMatchObject({
      ok: false,
      why: 'incomplete',
      missing: [{ name: 'lists/all.txt' }],
    });
    expect(one.live.activated()).toBeNull();
  });

  test('replicas follow, and one that starts again on the same folder joins those that live', async () => {
    const [one, two] = [await start(), await start()];
    const first = hashOf(one);
    await Promise.all([one.live.follow(), two.live.follow()]);
    await change(DECLINED);
    await one.live.reload('anna');
    await two.live.follow();
    expect(hashOf(two)).toBe(hashOf(one));
    // It does not repeat a reload that it requested itself.
    const loads = loadsOf(one);
    await one.live.follow();
    expect(loadsOf(one)).toBe(loads);
    await one.live.activate(first, 'ben');
    await two.live.follow();
    expect([hashOf(two), two.live.activated()?.who]).toEqual([first, 'ben']);

    const alone = await start();
    await alone.live.join('alone');
    expect(hashOf(alone)).not.toBe(first);
    await store.heartbeat({ id: 'one', startedAt: 1, routeSet: first, refusal: null });
    await alone.live.join('alone');
    expect([hashOf(alone), alone.live.activated()?.who]).toEqual([first, 'ben']);

    await change(`${DECLINED}# deployed\n`);
    const deployed = await start();
    await deployed.live.join('deployed');
    expect(hashOf(deployed)).not.toBe(first);
    await one.live.reload('anna');
    await two.live.follow();
    expect([two.live.activated(), hashOf(two)]).toEqual([null, hashOf(deployed)]);
  });

  test('a replica that starts just after an activation joins as soon as heartbeats show it', async () => {
    const one = await start();
    const first = hashOf(one);
    await change(DECLINED);
    await one.live.reload('anna');
    const beat = (routeSet: string) =>
      store.heartbeat({ id: 'one', startedAt: 1, routeSet, refusal: null });
    await beat(hashOf(one));
    await one.live.activate(first, 'ben');

    const late = await start();
    await late.live.join('late');
    await late.live.follow();
    expect(hashOf(late)).not.toBe(first);
    await beat(first);
    await late.live.follow();
    expect([hashOf(late), late.live.activated()?.who]).toEqual([first, 'ben']);
    const loads = loadsOf(late);
    await late.live.follow();
    expect(loadsOf(late)).toBe(loads);
  });

  test('a replica whose store is away for a moment follows and joins when it is back', async () => {
    const failing = new Set<keyof Store>();
    const shaky = new Proxy(store, {
      get: (target, name: keyof Store) =>
        failing.has(name)
          ? async () => {
              throw new StoreUnavailable('is away');
            }
          : target[name],
    });
    const [one, two] = [await start(), await start({ store: shaky })];
    const first = hashOf(one);
    await Promise.all([one.live.follow(), two.live.follow()]);
    await change(DECLINED);
    await one.live.reload('anna');
    await two.live.follow();
    await one.live.activate(first, 'ben');

    failing.add('routeVersion');
    await expect(two.live.follow()).rejects.toThrow('is away');
    failing.clear();
    await two.live.follow();
    expect([hashOf(two), two.live.activated()?.who]).toEqual([first, 'ben']);
    const loads = loadsOf(two);
    await two.live.follow();
    expect(loadsOf(two)).toBe(loads);

    await store.heartbeat({ id: 'one', startedAt: 1, routeSet: first, refusal: null });
    for (const method of ['setting', 'replicas', 'routeVersion'] as const) {
      const late = await start({ store: shaky });
      failing.add(method);
      await expect(late.live.join('late')).rejects.toThrow('is away');
      await expect(late.live.follow()).rejects.toThrow('is away');
      failing.clear();
      await late.live.follow();
      expect([hashOf(late), late.live.activated()?.who]).toEqual([first, 'ben']);
    }
  });
});
