/**
 * All numbers agree: after the demo, the API, a scrape, and the queries in Grafana and in the
 * Prometheus rules must give exactly the same numbers of callers.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { CALLS_PAGE } from '../../src/http/api/calls/calls-schemas.ts';
import { REPORT } from '../../src/http/api/stats/reports.ts';
import { STATS } from '../../src/http/api/stats/stats-schemas.ts';
import { SCRIPTS } from '../../src/simulator/scripts.ts';
import { bundledProgram } from '../helpers/bundle.ts';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
/** The demo, plus the half minute in which an end may still be corrected. */
const SETTLED = { timeout: 120_000, interval: 500 };

let folder: string;
let child: ChildProcess;
let url = '';
let token = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'referee-numbers-'));
  child = spawn(process.execPath, [await bundledProgram(), 'demo', '--keep'], {
    cwd: folder,
    env: { PATH: process.env.PATH, TMPDIR: folder },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await vi.waitFor(() => expect(output).toMatch(/All calls.*\/v1\/calls\n/), SETTLED);
  [, token = ''] = /^Token +(\S+)$/m.exec(output) ?? [];
  [, url = ''] = /(http:\/\/\S+)\/v1\/calls\n/.exec(output) ?? [];
}, 150_000);

afterAll(async () => {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  await gone;
  rmSync(folder, { recursive: true, force: true });
});

async function get(path: string): Promise<Response> {
  const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
  expect([path, answer.status]).toEqual([path, 200]);
  return answer;
}

const stats = async () => Value.Parse(STATS, await (await get('/v1/stats')).json());

/** Sums of a counter by one of its labels, without what is 0. */
async function scraped(name: string, label: string): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  const lines = (await (await get('/metrics')).text()).matchAll(
    new RegExp(`^referee_${name}_total\\{(.*)\\} (\\d+)$`, 'gm'),
  );
  for (const [, labels = '', value] of lines) {
    const word = new RegExp(`(?:^|,)${label}="(.*?)"`).exec(labels)?.[1] ?? '';
    if (Number(value) > 0) sums[word] = (sums[word] ?? 0) + Number(value);
  }
  return sums;
}

function byWord(rows: readonly { count: number }[], label: string): Record<string, number> {
  return Object.fromEntries(
    rows.map((row) => [String((row as Record<string, unknown>)[label]), row.count]),
  );
}

test('lists, statistics and metrics count the callers, each once', {
  timeout: 150_000,
}, async () => {
  const listed = Value.Parse(CALLS_PAGE, await (await get('/v1/calls?limit=500')).json());
  expect(listed.calls).toHaveLength(SCRIPTS.length);
  const all = Value.Parse(CALLS_PAGE, await (await get('/v1/calls?limit=500&legs=all')).json());
  expect(all.calls.length).toBeGreaterThan(SCRIPTS.length);

  await expect
    .poll(async () => {
      const ends = Object.values(await scraped('calls_ended', 'ends'));
      return ends.reduce((sum, count) => sum + count, 0);
    }, SETTLED)
    .toBe(SCRIPTS.length);
  const { calls, attempts } = await stats();
  expect(calls.total).toBe(SCRIPTS.length);
  expect(await scraped('calls_ended', 'ends')).toEqual(byWord(calls.by_ends, 'ends'));
  expect(await scraped('callers', 'outcome')).toEqual(byWord(calls.by_outcome, 'outcome'));
  expect(await scraped('verdicts', 'verdict')).toEqual(byWord(attempts.by_verdict, 'verdict'));
  const report = async () => Value.Parse(REPORT, await (await get('/v1/reports?by=hour')).json());
  await expect.poll(async () => (await report()).total.calls, SETTLED).toBe(SCRIPTS.length);
  const { outcomes } = (await report()).total;
  const met = Object.entries(outcomes).filter(([, count]) => count > 0);
  expect(Object.fromEntries(met)).toEqual(byWord(calls.by_outcome, 'outcome'));
  const arrivals = await scraped('arrivals', 'arrived');
  expect(arrivals).toEqual({ yes: calls.arrived, no: calls.not_arrived });
});

const promtool = spawnSync('promtool', ['--version']).status === 0;

test.skipIf(!promtool)(
  'the queries of Grafana and of the Prometheus rules say what the page says (skipped where promtool is not installed)',
  { timeout: 60_000 },
  async () => {
    const { calls, attempts } = await stats();
    const { groups } = parse(readFileSync(join(REPOSITORY, 'docker/prometheus/rules.yml'), 'utf8'));
    const rules: { record?: string; expr: string }[] = groups.flatMap(
      ({ rules: own }: { rules: object[] }) => own,
    );
    const dashboard = JSON.parse(
      readFileSync(join(REPOSITORY, 'docker/grafana/dashboards/referee.json'), 'utf8'),
    );
    const panel = (title: string): string =>
      dashboard.panels
        .find((each: { title?: string }) => each.title === title)
        .targets[0].expr.replaceAll(/\$(instance|target)/g, '.*');
    const record = (name: string) => rules.find((rule) => rule.record === name)?.expr ?? '';

    // As if scraped twice, a minute apart: all counters go from 0 to their current value.
    const scrape = await (await get('/metrics')).text();
    const series = [...scrape.matchAll(/^(referee_(?:arrivals|verdicts)_total\{.*\}) (\d+)$/gm)];
    const rounded = (expr: string, value: number | null) => ({
      expr: `round(${expr}, 0.001)`,
      eval_time: '2m',
      exp_samples: [{ labels: '{}', value }],
    });
    const file = join(folder, 'numbers.yml');
    writeFileSync(
      file,
      JSON.stringify({
        evaluation_interval: '1m',
        tests: [
          {
            interval: '1m',
            input_series: series.map(([, name, value]) => ({
              series: name?.replace('{', '{instance="a",'),
              values: `0 ${value} ${value}`,
            })),
            promql_expr_test: [
              rounded(panel('Arrived, last hour'), calls.arrival_rate),
              rounded(record('referee:arrived:ratio_increase1h'), calls.arrival_rate),
              rounded(
                `1 - (${record('referee:target_failures:ratio_rate5m').replaceAll('by (target) ', '')})`,
                attempts.success_rate,
              ),
            ],
          },
        ],
      }),
    );
    const { stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
    expect(stdout + stderr).toContain('SUCCESS');
  },
);
