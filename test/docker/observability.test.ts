/** docs/observability.md lists what there is. Write it anew with: OBSERVABILITY_DOC=write npx vitest run test/docker/observability.test.ts */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { createMetrics, type Metrics } from '../../src/metrics.ts';

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

/** A series without labels set is not in a scrape: one of each. */
function countSomethingEverywhere(metrics: Metrics): void {
  metrics.watchOutbox(async () => ({ pending: 0, oldestMs: 0 }));
  metrics.webhook('call.initiated', 'committed', 1);
  metrics.refusal('signature_wrong');
  metrics.clockSkew(0);
  metrics.event('webhook', 'committed');
  metrics.decision('support');
  metrics.attemptStarted('refer', 'support', 'pbx');
  metrics.verdict('support', 'pbx', 'completed');
  metrics.callEnded('referred');
  metrics.command('refer', 'accepted', 1);
  metrics.retry('refer');
  metrics.webhookToCommand(1);
  metrics.commandToVerdict('completed', 1);
  metrics.deadline('attempt');
  metrics.reconciliation('found_dead');
  metrics.reload('ok', 'hash');
  metrics.storeLatency('commit', 1);
  metrics.batch(1);
  metrics.handlerFailed();
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
