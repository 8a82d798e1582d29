import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { eventually, Referee } from '../helpers/referee-process.ts';
import { TelnyxStandIn } from '../helpers/telnyx-stand-in.ts';

interface Routes {
  hash: string;
  activated: { hash: string } | null;
  next: {
    hash: string | null;
    percent: number;
    decided: number;
    differs: number;
    changes: { before: object; after: object; calls: number; examples: string[] }[];
    last_refusal: object | null;
  } | null;
}

test('callers follow the next routes, what differs is shown, and one call goes back to what was live', async () => {
  const telnyx = await new TelnyxStandIn().start();
  const referee = await Referee.create(telnyx, {
    ROUTES_NEXT_DIR: 'next',
    ROUTES_NEXT_PERCENT: '100',
  });
  onTestFinished(async () => {
    const leaks = await referee.finish();
    await telnyx.stop();
    expect([leaks, telnyx.problems]).toEqual([[], []]);
  });
  const live = join(referee.folder, 'routes', 'main.yaml');
  const text = await readFile(live, 'utf8');
  const dir = join(referee.folder, 'next');
  await mkdir(dir);
  const main = join(dir, 'main.yaml');
  await writeFile(main, text.replace('- refer: first\n', '- refer: patient\n'));
  await referee.start();
  const routes = async () => (await (await referee.api('/routes')).json()) as Routes;
  const first = await routes();
  expect(first.next).toMatchObject({ percent: 100, decided: 0, last_refusal: null });

  const asked = await referee.api('/routes/explain', {
    from: '+353861234567',
    to: '+14155550100',
  });
  expect(await asked.json()).toMatchObject({ follows_next: true });

  const call = telnyx.call();
  await call.untilReferred();
  await eventually(async () => (await routes()).next?.differs === 1, 'the difference');
  expect((await routes()).next?.changes).toEqual([
    {
      before: { rule: 'support', target: 'first' },
      after: { rule: 'support', target: 'patient' },
      calls: 1,
      examples: [call.id],
    },
  ]);
  const stored = (await (await referee.api(`/calls/${encodeURIComponent(call.id)}`)).json()) as {
    route_set: string;
  };
  expect(stored.route_set).toBe(first.next?.hash);
  const rules = await referee.api(`/routes/versions/${stored.route_set}`);
  expect(await rules.json()).toMatchObject({
    role: 'next',
    files: { 'main.yaml': expect.stringContaining('- refer: patient') },
  });

  await writeFile(main, 'rulez: []\n');
  await writeFile(live, `${text}# changed\n`);
  await referee.api('/routes/reload', {});
  const { problems } = (await (await referee.api('/problems')).json()) as {
    problems: { kind: string }[];
  };
  expect(problems.map(({ kind }) => kind)).toContain('routes.next_refused');
  expect((await routes()).next?.hash).toBe(first.next?.hash);

  const back = await referee.api(`/routes/versions/${first.hash}/activate`, {});
  expect(back.status).toBe(200);
  expect(await routes()).toMatchObject({ hash: first.hash, activated: { hash: first.hash } });
}, 60_000);
