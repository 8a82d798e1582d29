/**
 * Every rule and panel is run or parsed by Prometheus' own tool, and names only existing metrics.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '../../src/metrics.ts';
import { countSomethingEverywhere } from '../helpers/every-metric.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const RULES = join(REPOSITORY, 'docker/prometheus/rules.yml');
const PLAYED = ['rules.test.yaml', 'rules-weeks.test.yaml'];

interface Rule {
  record?: string;
  alert?: string;
  expr: string;
  labels?: { severity?: string };
  annotations?: { summary?: string; description?: string };
}

interface Panel {
  title: string;
  type: string;
  id: number;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string }[];
}

const { groups } = parse(readFileSync(RULES, 'utf8')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap(({ rules }) => rules);
const dashboard = JSON.parse(
  readFileSync(join(REPOSITORY, 'docker/grafana/dashboards/referee.json'), 'utf8'),
) as { panels: Panel[]; annotations: { list: { expr: string }[] } };
const panels = dashboard.panels.filter(({ type }) => type !== 'row');

/** What a scrape can contain: names as Prometheus stores them, with their labels. */
async function stored(): Promise<Set<string>> {
  const metrics = createMetrics();
  countSomethingEverywhere(metrics);
  const names = new Set<string>();
  for (const [, name = '', type] of (await metrics.text()).matchAll(/^# TYPE (\S+) (\S+)/gm)) {
    const parts = type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    for (const part of parts) names.add(name + part);
  }
  metrics.close();
  return names;
}

function named(expr: string): string[] {
  return expr.match(/\b(referee|process|nodejs)_\w+/g) ?? [];
}

test('every metric in a rule or a panel exists', async () => {
  const known = await stored();
  const exprs = [
    ...rules.map(({ expr }) => expr),
    ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ...dashboard.annotations.list.map(({ expr }) => expr),
  ];
  const names = exprs.flatMap(named);
  expect(names.length).toBeGreaterThan(40);
  expect(names.filter((name) => !known.has(name))).toEqual([]);
  const records = new Set(rules.map(({ record }) => record));
  const recorded = exprs.flatMap((expr) => expr.match(/\breferee:[\w:]+/g) ?? []);
  expect(recorded.filter((name) => !records.has(name))).toEqual([]);
});

test('every metric of ours is on the dashboard', async () => {
  const shown = panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => named(expr)));
  const base = (name: string) => name.replace(/_(bucket|sum|count)$/, '');
  const missing = [...(await stored())]
    .filter((name) => name.startsWith('referee_'))
    .map(base)
    .filter((name) => !shown.map(base).includes(name));
  expect([...new Set(missing)]).toEqual([]);
});

test('every alert says how bad it is, what it means and what to do', () => {
  for (const { alert, labels, annotations } of rules.filter(({ alert }) => alert !== undefined)) {
    expect(labels?.severity, alert).toMatch(/^(critical|warning)$/);
    expect(annotations?.summary, alert).toMatch(/\w/);
    expect(annotations?.description, alert).toMatch(/\.$|check$/);
  }
});

test('every alert is played by a test of promtool', () => {
  const played = PLAYED.map((file) => readFileSync(join(import.meta.dirname, file), 'utf8')).join(
    '',
  );
  const alerts = rules.flatMap(({ alert }) => alert ?? []);
  expect(alerts.filter((alert) => !played.includes(`alertname: ${alert}\n`))).toEqual([]);
});

test('panels have ids of their own and do not lie over each other', () => {
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  const cells = new Set<string>();
  for (const { title, gridPos } of dashboard.panels) {
    expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        expect(cells.has(`${x} ${y}`), title).toBe(false);
        cells.add(`${x} ${y}`);
      }
    }
  }
});

const promtool = spawnSync('promtool', ['--version']).status === 0;
if (!promtool) {
  console.warn('promtool is not here: install the package "prometheus" to have the rules checked.');
}

describe.skipIf(!promtool)(
  'promtool (skipped where the package "prometheus" is not installed)',
  () => {
    test('the rules are rules', () => {
      expect(tool('check', 'rules', RULES)).toContain('SUCCESS');
    });

    test.each(PLAYED)(
      'each alert fires when it should and is silent when it should: %s',
      { timeout: 300_000 },
      (file) => {
        const folder = mkdtempSync(join(tmpdir(), 'referee-alerts-'));
        const played = oneByOne(join(import.meta.dirname, file), folder);
        const said = tool('test', 'rules', ...played);
        expect(said).not.toContain('FAILED');
        expect(said.match(/SUCCESS/g), said).toHaveLength(played.length);
        rmSync(folder, { recursive: true });
      },
    );

    test('what a scrape answers has nothing that promtool objects to', async () => {
      const metrics = createMetrics();
      countSomethingEverywhere(metrics);
      const input = await metrics.text();
      metrics.close();
      const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], {
        input,
        encoding: 'utf8',
      });
      expect([status, stderr]).toEqual([0, '']);
    });

    test('the configuration is one, with its paths as they are here', () => {
      const folder = mkdtempSync(join(tmpdir(), 'referee-prometheus-'));
      const config = readFileSync(join(REPOSITORY, 'docker/prometheus/prometheus.yml'), 'utf8');
      const token = join(folder, 'token');
      writeFileSync(token, 'x');
      const path = join(folder, 'prometheus.yml');
      writeFileSync(
        path,
        config
          .replace('/etc/prometheus/rules.yml', RULES)
          .replace('/run/secrets/admin_token', token),
      );
      expect(tool('check', 'config', path)).toContain('SUCCESS');
      rmSync(folder, { recursive: true });
    });

    test('every query of the dashboard is one', () => {
      const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
      const folder = mkdtempSync(join(tmpdir(), 'referee-dashboard-'));
      const path = join(folder, 'queries.yml');
      const filled = queries.map((expr) =>
        expr.replaceAll('$__rate_interval', '1m').replaceAll(/\$(instance|target)/g, '.*'),
      );
      const asRules = filled.map((expr, n) => ({ record: `query:${n}`, expr }));
      writeFileSync(path, JSON.stringify({ groups: [{ name: 'dashboard', rules: asRules }] }));
      expect(tool('check', 'rules', path)).toContain(`${queries.length} rules found`);
      rmSync(folder, { recursive: true });
    });
  },
);

interface Played {
  tests: { alert_rule_test: { alertname: string }[] }[];
}

/**
 * One file per test, with only the rules that the test needs and those they depend on. Otherwise
 * promtool evaluates every rule at every step, although a test needs only one or two.
 */
function oneByOne(file: string, folder: string): string[] {
  const { tests, ...common } = parse(readFileSync(file, 'utf8')) as Played;
  return tests.map((test, n) => {
    const asked = new Set(test.alert_rule_test.map(({ alertname }) => alertname));
    const needed = new Set(rules.filter(({ alert }) => alert !== undefined && asked.has(alert)));
    expect(new Set([...needed].map(({ alert }) => alert))).toEqual(asked);
    // Iterating over a growing set visits the added rules too, so dependencies are followed.
    for (const { expr } of needed) {
      for (const rule of rules) if (rule.record && expr.includes(rule.record)) needed.add(rule);
    }
    const kept = groups.map((group) => ({
      ...group,
      rules: group.rules.filter((rule) => needed.has(rule)),
    }));
    const ruleFile = join(folder, `${n}.rules.yml`);
    writeFileSync(ruleFile, JSON.stringify({ groups: kept }));
    const path = join(folder, `${n}.test.yml`);
    writeFileSync(path, JSON.stringify({ ...common, rule_files: [ruleFile], tests: [test] }));
    return path;
  });
}

function tool(...args: string[]): string {
  const { stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
  return stdout + stderr;
}
