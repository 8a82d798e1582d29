/**
 * docs/observability.md lists every metric, alert and panel. Write it again with:
 * OBSERVABILITY_DOC=write npx vitest run test/docker/observability.test.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '../../src/metrics.ts';
import { countSomethingEverywhere } from '../helpers/every-metric.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const DOC = join(REPOSITORY, 'docs/observability.md');

test('every metric of ours stands in the table, with its labels', async () => {
  const { table, unsampled } = await metricsTable();
  expect(unsampled, 'add a sample to test/helpers/every-metric.ts').toEqual([]);
  expectPart('metrics', table);
});

test('every alert has its section', () => {
  expectPart('alerts', alertSections());
});

test('every alert names its section, which is there', () => {
  const headings = [...readFileSync(DOC, 'utf8').matchAll(/^#+ (.+)$/gm)];
  const anchors = headings.map(([, heading = '']) => heading.toLowerCase().replaceAll(' ', '-'));
  for (const { alert, annotations } of alerts()) {
    const [path, anchor] = annotations.runbook_url.split('#');
    expect([path, anchor]).toEqual(['docs/observability.md', alert.toLowerCase()]);
    expect(anchors.filter((each) => each === anchor)).toHaveLength(1);
  }
});

test('every file it links to is there', () => {
  for (const [, path = ''] of readFileSync(DOC, 'utf8').matchAll(/\]\(([^)#]+)\)/g)) {
    expect(() => readFileSync(join(REPOSITORY, 'docs', path)), path).not.toThrow();
  }
});

test('a number that is not known is not shown as 0', () => {
  const { panels } = JSON.parse(
    readFileSync(join(REPOSITORY, 'docker/grafana/dashboards/referee.json'), 'utf8'),
  ) as { panels: { title: string; fieldConfig?: { defaults: { noValue?: string } } }[] };
  const shownFor = (title: string) =>
    panels.find((panel) => panel.title === title)?.fieldConfig?.defaults.noValue;
  // Without callers to move there is no share, and without the store no outbox.
  expect(shownFor('Arrived, last hour')).toBe('no callers');
  expect(shownFor('Oldest command')).toBe('unknown');
  expect(shownFor('Replicas up')).toBe('0');
});

async function metricsTable(): Promise<{ table: string; unsampled: string[] }> {
  const metrics = createMetrics();
  countSomethingEverywhere(metrics);
  const text = await metrics.text();
  metrics.close();
  const unsampled: string[] = [];
  const rows = [...text.matchAll(/^# HELP (referee_\S+) (.*)\n# TYPE \S+ (\w+)\n(\S*)/gm)].map(
    ([, name = '', help, type, sample = '']) => {
      if (!sample.startsWith(name)) unsampled.push(name);
      const labels = [...sample.matchAll(/(\w+)="/g)]
        .map(([, label = '']) => label)
        .filter((label) => label !== 'le');
      return `| \`${name}\` | ${type} | ${labels.map((it) => `\`${it}\``).join(', ') || '–'} | ${help} |`;
    },
  );
  const table = ['| metric | type | labels | what |', '|---|---|---|---|', ...rows].join('\n');
  return { table, unsampled };
}

function alertSections(): string {
  const rows = alerts().map(({ alert, labels, annotations }) => {
    const { summary, description } = annotations;
    return `### ${alert}\n\n**${plain(summary)}** (${labels.severity}).\n${plain(description)}`;
  });
  return rows.join('\n\n');
}

interface Alert {
  alert: string;
  labels: { severity: string };
  annotations: { summary: string; description: string; runbook_url: string };
}

function alerts(): Alert[] {
  const { groups } = parse(
    readFileSync(join(REPOSITORY, 'docker/prometheus/rules.yml'), 'utf8'),
  ) as { groups: { rules: Alert[] }[] };
  return groups.flatMap(({ rules }) => rules).filter(({ alert }) => alert !== undefined);
}

/** Prometheus' templates as text for people. */
function plain(text: string): string {
  return text
    .replace(/\{\{ \$labels\.(\w+) \}\}/g, '*$1*')
    .replace(/\{\{ \$value[^}]*\}\}/g, '*n*');
}

function expectPart(name: string, wanted: string): void {
  const [before = '', part = '', after = ''] = readFileSync(DOC, 'utf8').split(
    new RegExp(`(?<=<!-- ${name}: [^\\n]*-->\\n)|(?=<!-- /${name} -->)`),
  );
  if (process.env.OBSERVABILITY_DOC === 'write') writeFileSync(DOC, `${before}${wanted}\n${after}`);
  else expect(part).toBe(`${wanted}\n`);
}
