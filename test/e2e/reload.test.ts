import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../helpers/referee-process.ts';
import { openScene } from './scene.ts';

async function hash(referee: { api(path: string): Promise<Response> }): Promise<string> {
  return ((await (await referee.api('/routes')).json()) as { hash: string }).hash;
}

test('SIGHUP loads the routes again, as often as it is sent, and the server stays up', async () => {
  const { telnyx, referee } = await openScene({ LOG_LEVEL: 'info' });
  const { pid } = referee;
  const main = join(referee.folder, 'routes', 'main.yaml');
  for (const comment of ['one', 'two']) {
    const before = await hash(referee);
    await appendFile(main, `# ${comment}\n`);
    referee.signal('SIGHUP');
    await eventually(async () => (await hash(referee)) !== before, `the set of ${comment}`);
  }

  const good = await hash(referee);
  await writeFile(join(referee.folder, 'routes', 'worse.yaml'), 'rulez: []\n');
  referee.signal('SIGHUP');
  await eventually(() => referee.output.includes('"event":"routes.refused"'), 'the refusal');
  expect(await hash(referee)).toBe(good);

  const call = telnyx.call();
  await call.untilReferred();
  expect(referee.pid).toBe(pid);
  expect(referee.output).not.toContain('"event":"server.stopping"');
});
