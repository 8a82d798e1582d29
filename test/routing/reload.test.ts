import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { InvalidRoutes, openRoutes, type Reload } from '../../src/routing/reload.ts';
import { withFolder, writeFiles } from './routes-folder.ts';

const OPTIONS = { env: {}, handlers: true };
const FIRST = 'otherwise: [ hangup ]';
const SECOND = 'otherwise: [ { reject: busy } ]';

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
      const heard: Reload[] = [];
      let wake = () => {};
      routes.watch((reload) => {
        heard.push(reload);
        wake();
      });
      const next = () =>
        new Promise<void>((resolve) => {
          wake = resolve;
        });

      const refused = next();
      await swap('..2');
      await refused;
      const good = next();
      await swap('..3');
      await good;

      // Told once each, however often it looked.
      expect(heard.map((reload) => reload.ok)).toEqual([false, true]);
      expect(routes.current().set.otherwise).toEqual([{ do: 'reject', cause: 'busy' }]);
      await routes.close();
    },
  );
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
