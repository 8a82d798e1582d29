/** docs/company: the routes of a whole company are checked, proven and run, as its README says. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../../src/cli.ts';
import { written } from '../helpers/written.ts';

const ROUTES = join(import.meta.dirname, '../../docs/company/routes');

const run = (...argv: string[]) =>
  written((io) => runCli(argv, io), { env: { CRM_TOKEN: 'none' } });

test('it has no problem and no warning, and all of its examples pass', {
  tags: ['long'],
}, async () => {
  const { code, out, err } = await run('check', ROUTES, '--strict');
  expect([code, err]).toEqual([0, '']);
  expect(out).toMatch(/ok: 13 rules, no problems, no warnings, 15 of 15 examples pass/);
});

test('every path of its rules is proven, and no guarantee is broken', {
  tags: ['long'],
}, async () => {
  const { code, out } = await run('prove', ROUTES, '--json');
  const proof = JSON.parse(out);
  expect(code).toBe(0);
  expect(proof.complete).toBe(true);
  expect(proof.guarantees.map(({ holds }: { holds: boolean }) => holds)).toEqual([
    true,
    true,
    true,
  ]);
  expect(proof.rules.length).toBeGreaterThan(13);
});

test('a caller of the main number goes where the hour, the switch and the row say', {
  tags: ['long'],
}, async () => {
  const call = ['--from', '+493012345678', '--to', '+4930901820', '--at', '2027-02-02T09:00:00Z'];
  const open = await run('route', '--routes', ROUTES, ...call, '--json');
  expect(JSON.parse(open.out).rule).toBe('Berlin');
  const off = ['--switch', 'berlin-site=off'];
  const noPower = await run('route', '--routes', ROUTES, ...call, ...off, '--json');
  expect(JSON.parse(noPower.out).rule).toBe('Berlin without power');
});
