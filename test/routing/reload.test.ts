import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { decide } from '../../src/core/rules/decide.ts';
import { InvalidRoutes, openRoutes, type Reload, type Routes } from '../../src/routing/reload.ts';
import { facts, moment } from '../helpers/route-set.ts';
import { withFolder, writeFiles } from './routes-folder.ts';

const OPTIONS = { env: {}, handlers: true };
const FIRST = 'otherwise: [ hangup ]';
const SECOND = 'otherwise: [ { reject: busy } ]';

afterEach(() => vi.useRealTimers());

/** Watches, and gives what is reported after a change: the folder is looked at when time passes. */
function watched(routes: Routes) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const heard: Reload[] = [];
  let wake = () => {};
  routes.watch((reload) => {
    heard.push(reload);
    wake();
  });
  const after = async (change: () => Promise<void>) => {
    const next = new Promise<void>((resolve) => {
      wake = resolve;
    });
    await change();
    vi.advanceTimersByTime(1_000);
    await next;
  };
  return { heard, after };
}

test('a server with a bad first set does not start, and says every problem', async () => {
  await withFolder({ 'main.yaml': 'ruls: []' }, async (dir) => {
    const refusal = await openRoutes(dir, OPTIONS).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(InvalidRoutes);
    expect(String(refusal)).toContain('main.yaml:1:1 unknown key "ruls"');
  });
});

test('a reload puts the new set live as a whole, a bad one leaves the last good one', async () => {
  await withFolder({ 'main.yaml': FIRST }, async (dir) => {
    const routes = await openRoutes(dir, OPTIONS);
    const before = routes.current();

    await writeFiles(dir, { 'main.yaml': 'otherwise: [ hangpu ]' });
    expect(await routes.reload()).toMatchObject({
      ok: false,
      hash: before.set.hash,
      problems: [{ line: 1, column: 14 }],
    });
    expect(routes.current()).toBe(before);
    expect(routes.refusal()?.problems).toHaveLength(1);

    await writeFiles(dir, { 'main.yaml': SECOND });
    const good = await routes.reload();
    expect(good).toMatchObject({ ok: true, changed: true });
    expect(routes.current().set.hash).toBe(good.hash);
    expect(routes.current().set.otherwise).toEqual([{ do: 'reject', cause: 'busy' }]);
    expect(routes.refusal()).toBeNull();
    await routes.close();
  });
});

test('watching sees contents, also behind a link that is swapped as Kubernetes does', async () => {
  await withFolder(
    { '..1/main.yaml': FIRST, '..2/main.yaml': 'otherwise: [ hangpu ]', '..3/main.yaml': SECOND },
    async (dir) => {
      await symlink('..1', join(dir, '..data'));
      await symlink('..data/main.yaml', join(dir, 'main.yaml'));
      const swap = async (to: string) => {
        await symlink(to, join(dir, '..tmp'));
        await rename(join(dir, '..tmp'), join(dir, '..data'));
      };
      const routes = await openRoutes(dir, OPTIONS);
      const { heard, after } = watched(routes);
      await after(() => swap('..2'));
      await after(() => swap('..3'));

      // Each is reported once, however often the folder was checked.
      expect(heard.map((reload) => reload.ok)).toEqual([false, true]);
      expect(routes.current().set.otherwise).toEqual([{ do: 'reject', cause: 'busy' }]);
      await routes.close();
    },
  );
});

test('watching sees that what could not be read comes and goes', async () => {
  await withFolder({ 'main.yaml': FIRST }, async (dir) => {
    const routes = await openRoutes(dir, OPTIONS);
    const { heard, after } = watched(routes);
    await after(() => writeFile(join(dir, 'more.yml'), SECOND));
    await after(() => rm(join(dir, 'more.yml')));
    await after(() => symlink('nowhere', join(dir, 'a.ics')));
    await after(() => rm(join(dir, 'a.ics')));
    expect(
      heard.flatMap((each) => (each.ok ? ['ok'] : each.problems.map(({ message }) => message))),
    ).toEqual(['a route file ends in .yaml', 'ok', 'cannot be read: it is a broken link', 'ok']);
    expect(routes.refusal()).toBeNull();
    await routes.close();
  });
});

test('a folder that goes away leaves the last good set live', async () => {
  await withFolder({ 'main.yaml': FIRST }, async (dir) => {
    const routes = await openRoutes(join(dir, '.'), OPTIONS);
    await rm(join(dir, 'main.yaml'));
    expect(await routes.reload()).toMatchObject({ ok: false });
    await mkdir(join(dir, 'main.yaml'));
    expect(await routes.reload()).toMatchObject({ ok: false });
    await rm(join(dir, 'main.yaml'), { recursive: true });
    await writeFile(join(dir, 'main.yaml'), FIRST);
    expect(await routes.reload()).toMatchObject({ ok: true, changed: false });
    await routes.close();
  });
});

test('reloads that wait for their turn are one, and see what changed before the last was asked for', async () => {
  await withFolder({ 'main.yaml': FIRST }, async (dir) => {
    const routes = await openRoutes(dir, OPTIONS);
    const running = routes.reload();
    // It has begun to read.
    await Promise.resolve();
    await writeFiles(dir, { 'main.yaml': SECOND });
    const waiting = Array.from({ length: 10 }, () => routes.reload());
    await running;
    const loads = await Promise.all(waiting);
    const { set } = routes.current();
    expect(set.otherwise).toEqual([{ do: 'reject', cause: 'busy' }]);
    expect(loads.map((load) => load.hash)).toEqual(loads.map(() => set.hash));
    // Only one of them is told of the change, so that it is reported and stored once.
    expect(loads.filter((load) => load.ok && load.changed).length).toBeLessThanOrEqual(1);
    await routes.close();
  });
});

test('a reload that is asked for after an activation comes after it', async () => {
  await withFolder({ 'main.yaml': FIRST }, async (dir) => {
    const routes = await openRoutes(dir, OPTIONS);
    const older = new Map([['main.yaml', Buffer.from(SECOND)]]);
    const before = routes.reload();
    const activated = routes.activate(older);
    const after = routes.reload();
    await Promise.all([before, activated, after]);
    expect(routes.current().set.otherwise).toEqual([{ do: 'hangup' }]);
    await routes.close();
  });
});

test('calls that come while a set is loaded are decided by one whole set, the old or the new', async () => {
  const setOf = (name: string) => ({
    'main.yaml': `targets: { ${name}: { sip: "sip:${name}@pbx.example.com", via: refer } }
lists: { callers: { file: lists/callers.txt } }
rules:
  - { name: ${name}, when: { from: "list:callers" }, do: [ { refer: ${name} } ] }
${Array.from({ length: 100 }, (_, i) => `  - { name: r${i}, when: { to: "+1415${1_000_000 + i}" }, do: [ hangup ] }`).join('\n')}
otherwise: [ hangup ]`,
    'lists/callers.txt': `+14155550100\n# ${name}\n`,
  });
  await withFolder(setOf('one'), async (dir) => {
    const routes = await openRoutes(dir, OPTIONS);
    const hashes = new Map([['one', routes.current().set.hash]]);
    await writeFiles(dir, setOf('two'));
    const decided: string[][] = [];
    let loading = true;
    const loaded = routes.reload().finally(() => {
      loading = false;
    });
    while (loading) {
      const call = facts({ from: '+14155550100' });
      const { rule, routeSet, plan } = decide(routes.current(), call, moment(), {});
      decided.push([String(rule), routeSet, JSON.stringify(plan)]);
      await setImmediate();
    }
    hashes.set('two', (await loaded).hash);
    expect(decided.length).toBeGreaterThan(1);
    expect(decided[0]?.[0]).toBe('one');
    for (const [rule = '', hash, plan] of decided) {
      expect(hash).toBe(hashes.get(rule));
      expect(plan).toContain(`sip:${rule}@pbx.example.com`);
    }
    await routes.close();
  });
});

test('closing gives up a load, and the set that is live stays', async () => {
  const rules = Array.from(
    { length: 3_000 },
    (_, i) => `  - { name: r${i}, when: { to: "+1415${1_000_000 + i}" }, do: [ hangup ] }`,
  );
  await withFolder({ 'main.yaml': FIRST }, async (dir) => {
    const routes = await openRoutes(dir, OPTIONS);
    const live = routes.current();
    await writeFiles(dir, { 'main.yaml': `rules:\n${rules.join('\n')}\n${SECOND}` });
    const reloads = Promise.allSettled([routes.reload(), routes.reload(), routes.reload()]);
    await routes.close();
    expect(await reloads).toMatchObject(
      Array.from({ length: 3 }, () => ({ status: 'rejected', reason: { code: 'STOPPING' } })),
    );
    expect(routes.current()).toBe(live);
    expect(routes.refusal()).toBeNull();
  });
});

/** An environment that throws when it is read, like a bug of ours in the middle of a load. */
function breakable() {
  const state = { broken: false };
  const env = new Proxy(
    {},
    {
      get: () => {
        if (state.broken) throw new TypeError('the environment is gone');
        return 'secret';
      },
    },
  );
  return { state, env };
}

const WITH_SECRET = `targets: { t: { sip: "sip:t@pbx.example.com", auth: { username: u, password: "\${P}" } } }
rules: [ { name: r, do: [ { refer: t } ] } ]
otherwise: [ hangup ]`;

test('an error while a set is read is a refusal: at the start, by a reload and by watching', async () => {
  await withFolder({ 'main.yaml': WITH_SECRET }, async (dir) => {
    const { state, env } = breakable();
    const routes = await openRoutes(dir, { env, handlers: true });
    const live = routes.current();
    state.broken = true;
    const problem = {
      file: '.',
      line: 1,
      column: 1,
      message: 'the routes cannot be read: the environment is gone',
    };
    await expect(openRoutes(dir, { env, handlers: true })).rejects.toThrow(
      '.:1:1 the routes cannot be read: the environment is gone',
    );
    expect(await routes.reload()).toMatchObject({ ok: false, problems: [problem] });
    expect(routes.refusal()?.problems).toMatchObject([problem]);

    const { heard, after } = watched(routes);
    await after(() => writeFiles(dir, { 'main.yaml': `${WITH_SECRET}\n` }));
    state.broken = false;
    await after(() => writeFiles(dir, { 'main.yaml': `${WITH_SECRET}\n\n` }));
    expect(heard).toMatchObject([{ ok: false, problems: [problem] }, { ok: true }]);
    expect(routes.current()).not.toBe(live);
    await routes.close();
  });
});
