/**
 * `referee replay` on what the server really recorded, for every scripted call of the simulator:
 * busy, declined, silent targets, menus, transfers, callers who hung up and lost callers.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DemoStage, setDemoStage } from '../../src/cli/demo/stage.ts';
import { runCli } from '../../src/cli.ts';
import { SCRIPT_ROUTES, SCRIPTS } from '../../src/simulator/scripts.ts';
import { waitFor } from '../helpers/waiting.ts';

let stage: DemoStage;
let other: string;
beforeAll(async () => {
  stage = await setDemoStage();
  const { simulator } = stage;
  const placed = SCRIPTS.map(({ name, script }) => simulator.placeCall({ ...script, name }));
  await Promise.all(placed.map(({ ended }) => ended));
  await waitFor(() => expect(simulator.unfinishedDeliveries()).toBe(0));
  await waitFor(async () => {
    const answer = await api('/v1/calls?phase=ended&limit=100');
    const { calls } = (await answer.json()) as { calls: unknown[] };
    expect(calls).toHaveLength(SCRIPTS.length);
  });
  other = mkdtempSync(join(tmpdir(), 'referee-replay-'));
  // Support tries the second office first.
  const swapped = SCRIPT_ROUTES.replace(
    '- refer: support-us\n      - refer: support-eu',
    '- refer: support-eu\n      - refer: support-us',
  );
  expect(swapped).not.toBe(SCRIPT_ROUTES);
  writeFileSync(join(other, 'main.yaml'), swapped);
}, 60_000);
afterAll(async () => {
  await stage.close(false);
  rmSync(other, { recursive: true, force: true });
});

function api(path: string): Promise<Response> {
  return fetch(`${stage.url}${path}`, {
    headers: { authorization: `Bearer ${stage.adminToken}` },
  });
}

async function replay(routes: string, ...options: string[]) {
  let out = '';
  let err = '';
  const code = await runCli(['replay', '--routes', routes, '--json', ...options], {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    env: { DATABASE_URL: `sqlite:${join(stage.folder, 'referee.db')}`, ENV_FILE: '' },
    isTTY: false,
  });
  expect(err).toBe('');
  return { code, comparison: JSON.parse(out) };
}

test('unchanged routes move nobody, beside the server that writes', async () => {
  const { code, comparison } = await replay(join(stage.folder, 'routes'), '--fail-on-change');
  expect(comparison.list).toEqual([]);
  expect(comparison).toMatchObject({
    calls: SCRIPTS.length,
    same: SCRIPTS.length,
    differs: 0,
    skipped: 0,
  });
  expect(comparison.ends.after).toEqual(comparison.ends.before);
  expect(code).toBe(0);
});

test('swapped targets move the callers of that rule, with what the targets really said', async () => {
  const { comparison } = await replay(other);
  const moved = comparison.list.map(({ from, before, after, assumed }: Listed) => [
    from,
    before.attempts.join(' '),
    after.attempts.join(' '),
    after.ends,
    assumed.join(' '),
  ]);
  const eu = 'support-eu';
  const us = 'support-us';
  expect(moved.sort()).toEqual(
    [
      ['+14155550201', us, eu, 'referred', eu],
      ['+353861234502', `${us} ${eu}`, eu, 'referred', ''],
      ['+14155550203', `${us} ${eu}`, `${eu} ${us}`, 'hung_up', ''],
      ['+14155550205', us, eu, 'referred', eu],
      ['+14155550206', us, eu, 'referred', eu],
      ['+14155550207', us, eu, 'referred', eu],
      ['+14155550211', us, eu, 'referred', eu],
    ].sort(),
  );
  const [first] = comparison.list as Listed[];
  const answer = await api(`/v1/calls/${first?.call_control_id}/explain`);
  expect(await answer.json()).toMatchObject({ differs: false, assumed: [] });
});

interface Listed {
  call_control_id: string;
  from: string;
  before: { attempts: string[] };
  after: { attempts: string[]; ends: string };
  assumed: string[];
}
