import { afterEach, beforeEach, expect, test } from 'vitest';
import { boundedLabel, LABEL_VALUES_MAX } from '../src/metrics/label.ts';
import { createMetrics, type Metrics } from '../src/metrics.ts';

let metrics: Metrics;
beforeEach(() => {
  metrics = createMetrics();
});
afterEach(() => metrics.close());

test('every name of ours starts with referee_', async () => {
  metrics.webhook('call.initiated', 'committed', 3);
  metrics.reload('ok', 'abc');
  const names = [...(await metrics.text()).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  expect(names.filter((name) => !/^(referee|nodejs|process)_/.test(String(name)))).toEqual([]);
  expect(names).toContain('referee_event_loop_delay_seconds');
});

test('rules and targets beyond the bound are counted as other', async () => {
  for (let n = 0; n < LABEL_VALUES_MAX + 50; n += 1) metrics.decision(`rule ${n}`);
  metrics.decision(null);
  const text = await metrics.text();
  expect(text).toContain('referee_decisions_total{rule="other"} 50');
  expect(text).toContain('referee_decisions_total{rule="otherwise"} 1');
  expect(text).toContain('referee_decisions_total{rule="rule 0"} 1');
});

test('a label keeps its first values, whatever comes after', () => {
  const label = boundedLabel(1);
  expect([label('a'), label('b'), label('a')]).toEqual(['a', 'other', 'a']);
  expect(boundedLabel()('x'.repeat(500))).toBe('other');
});

test('only the live route set is shown, and a refused reload stays visible until a good one', async () => {
  metrics.reload('ok', 'first');
  metrics.reload('refused', 'first');
  expect(await metrics.text()).toMatch(/referee_route_reload_refused 1\n/);
  metrics.reload('ok', 'second');
  const text = await metrics.text();
  expect(text).toMatch(/referee_route_reload_refused 0\n/);
  expect(text.match(/^referee_route_set_info.*$/gm)).toEqual([
    'referee_route_set_info{hash="second"} 1',
  ]);
});

test('the outbox is read when scraped, and a store that fails does not fail the scrape', async () => {
  let fails = false;
  metrics.watchOutbox(async () => {
    if (fails) throw new Error('no store');
    return { pending: 3, oldestMs: 2_500 };
  });
  expect(await metrics.text()).toMatch(
    /referee_outbox_pending 3\n(.|\n)*outbox_oldest_seconds 2.5\n/,
  );
  fails = true;
  expect(await metrics.text()).not.toMatch(/^referee_outbox_pending \d/m);
});

test('a budget without a limit has no series, and the build says that it has no commit', async () => {
  metrics.build({ version: '1.2.3', commit: null });
  metrics.watchBudgets(() => [
    { kind: 'refer', perHour: 100 },
    { kind: 'transfer', perHour: null },
  ]);
  const text = await metrics.text();
  expect(text).toContain('referee_build_info{version="1.2.3",commit="none"} 1');
  expect(text.match(/^referee_budget_per_hour.*$/gm)).toEqual([
    'referee_budget_per_hour{kind="refer"} 100',
  ]);
});

test('problems are counted by kind while they last, and whether the server is ready', async () => {
  let problems = [
    { kind: 'upkeep.failed', severity: 'warning' },
    { kind: 'account.problem', severity: 'error' },
    { kind: 'account.problem', severity: 'error' },
  ];
  let ready = false;
  metrics.watchProblems(() => problems);
  metrics.watchReady(() => ready);
  const text = await metrics.text();
  expect(text).toContain('referee_ready 0\n');
  expect(text).toContain('referee_problems{kind="account.problem",severity="error"} 2\n');
  problems = problems.slice(0, 1);
  ready = true;
  const later = await metrics.text();
  expect(later).toContain('referee_ready 1\n');
  expect(later.match(/^referee_problems.*$/gm)).toEqual([
    'referee_problems{kind="upkeep.failed",severity="warning"} 1',
  ]);
});
