/** docs/observability.md lists what there is. Write it again with: OBSERVABILITY_DOC=write npx vitest run test/docker/observability.test.ts */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '../../src/metrics.ts';
import { countSomethingEverywhere } from '../helpers/every-metric.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const DOC = join(REPOSITORY, 'docs/observability.md');

test('every metric of ours stands in the table, with its labels', async () => {
  expectPart('metrics', await metricsTable());
});

test('every alert stands in the table', () => {
  expectPart('alerts', alertsTable());
});

test('every file it links to is there', () => {
  for (const [, path = ''] of readFileSync(DOC, 'utf8').matchAll(/\]\(([^)#]+)\)/g)) {
    expect(() => readFileSync(join(REPOSITORY, 'docs', path)), path).not.toThrow();
  }
});

async function metricsTable(): Promise<string> {
  const metrics = createMetrics();
  countSomethingEverywhere(metrics);
  const text = await metrics.text();
  metrics.close();
  const rows = [...text.matchAll(/^# HELP (referee_\S+) (.*)\n# TYPE \S+ (\w+)\n(\S+)/gm)].map(
    ([, name, help, type, sample = '']) => {
      const labels = [...sample.matchAll(/(\w+)="/g)]
        .map(([, label = '']) => label)
        .filter((label) => label !== 'le');
      return `| \`${name}\` | ${type} | ${labels.map((it) => `\`${it}\``).join(', ') || '–'} | ${help} |`;
    },
  );
  return ['| metric | type | labels | what |', '|---|---|---|---|', ...rows].join('\n');
}

function alertsTable(): string {
  const { groups } = parse(
    readFileSync(join(REPOSITORY, 'docker/prometheus/rules.yml'), 'utf8'),
  ) as { groups: { rules: Alert[] }[] };
  const rows = groups
    .flatMap(({ rules }) => rules)
    .filter(({ alert }) => alert !== undefined)
    .map(({ alert, labels, annotations }) => {
      const told = `${annotations.summary}. ${annotations.description}`;
      return `| \`${alert}\` | ${labels.severity} | ${plain(told)} |`;
    });
  return ['| alert | severity | what it means, and what to do |', '|---|---|---|', ...rows].join(
    '\n',
  );
}

interface Alert {
  alert?: string;
  labels: { severity: string };
  annotations: { summary: string; description: string };
}

/** Prometheus' templates as a reader sees them. */
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
