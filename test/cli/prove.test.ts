import { expect, test } from 'vitest';
import { runCli } from '../../src/cli.ts';
import { withFolder } from '../routing/routes-folder.ts';

const ROUTES = `targets:
  us: { sip: "sip:a@us.example.com", timeout: 20s }
  eu: { sip: "sip:a@eu.example.com" }
rules:
  - name: support
    when: { to: "+14155550100" }
    do: [{ refer: us }, { refer: eu }, { say: "Sorry." }, hangup]
  - name: europe
    when: { from: "+353*" }
    do: [{ refer: eu }, { reject: busy }]
otherwise: [{ reject: declined }]
guarantees:
  - { name: nobody waits for long, rules: [support], wait: 60s }
  - { name: somebody answers, rules: [europe], moves: 1 }
`;

async function prove(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return withFolder({ 'main.yaml': ROUTES }, async (dir) => {
    let out = '';
    let err = '';
    const before = process.exitCode;
    const code = await runCli(['prove', dir, ...args], {
      stdout: {
        write: (text) => {
          out += text;
        },
      },
      stderr: {
        write: (text) => {
          err += text;
        },
      },
      env: {},
      isTTY: false,
    });
    process.exitCode = before;
    return { code, out, err };
  });
}

test('prove --json is the whole report, and a broken guarantee is exit code 1', async () => {
  const { code, out } = await prove('--json');
  const report = JSON.parse(out);
  expect(code).toBe(1);
  expect(Object.keys(report)).toEqual(['hash', 'complete', 'rules', 'guarantees']);
  expect(report.complete).toBe(true);
  expect(report.rules.map(({ rule }: { rule: string }) => rule)).toEqual([
    'support',
    'europe',
    'otherwise',
  ]);
  expect(Object.keys(report.rules[0])).toEqual(['rule', 'complete', 'paths', 'ends', 'worst']);
  expect(report.rules[0].worst.wait).toEqual({
    secs: 80,
    path: ['answer', 'refer us', 'refer eu', 'say', 'hangup'],
    verdicts: ['no_verdict', 'no_verdict'],
    digits: [],
  });
  expect(report.guarantees).toEqual([
    {
      name: 'nobody waits for long',
      holds: false,
      counterexample: {
        rule: 'support',
        path: ['answer', 'refer us', 'refer eu', 'say', 'hangup'],
        verdicts: ['no_verdict', 'no_verdict'],
        digits: [],
        wait_secs: 80,
        silence_secs: 80,
        moves: 2,
        ends: 'hung_up',
      },
    },
    { name: 'somebody answers', holds: true, counterexample: null },
  ]);
});

test('prove says it to people', async () => {
  const { out } = await prove('--rule', 'support');
  expect(out).toContain(
    'longest wait    1 min 20 s  us stays silent until its time is over, then eu stays silent',
  );
  expect(out).toContain('broken  nobody waits for long: support: a caller may wait 1 min 20 s');
});

test('a tree has one line per branch', async () => {
  const { code, out } = await prove('--rule', 'europe', '--tree');
  expect(code).toBe(0);
  expect(out).toContain('├─ answered: refer eu\n');
  expect(out).toContain('│  ├─ completed → referred\n');
  expect(out).toContain('│  ├─ any failure: reject busy → rejected\n');
});

test('a Mermaid flowchart has every rule', async () => {
  const { out } = await prove('--mermaid');
  expect(out.startsWith('flowchart TD\n')).toBe(true);
  expect(out).toContain('(["support"])');
  expect(out).toMatch(/ -- "completed" --> n\d+/);
});

test.each([
  ['--mermaid', '--json'],
  ['--tree', '--json'],
  ['--tree', '--mermaid'],
])('%s and %s exclude each other, and nothing is proved', async (...args) => {
  const { code, out, err } = await prove(...args);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain(`option '${args[0]}' cannot be used with option '${args[1]}'`);
});

test('a target is read backwards: who is led to it, and what is left when it fails', async () => {
  const us = JSON.parse((await prove('--target', 'us', '--json')).out);
  expect(us.rules.map(({ rule }: { rule: string }) => rule)).toEqual(['support']);
  const eu = JSON.parse((await prove('--target', 'eu', '--json')).out);
  expect(eu.rules.map(({ rule }: { rule: string }) => rule)).toEqual(['support', 'europe']);
  // No target of europe takes anybody any more.
  expect(eu.rules[1].ends.referred).toBeUndefined();
  expect((await prove('--target', 'us')).out).toContain(
    'what happens to callers when us answers every attempt with server_error',
  );
});

test.each([
  [['--rule', 'suport'], 'unknown rule "suport"; did you mean support?'],
  [['--target', 'uss'], 'unknown target "uss"; did you mean us?'],
])('%s is refused with the reason', async (args, expected) => {
  const { code, err } = await prove(...args);
  expect(code).toBe(1);
  expect(err).toContain(expected);
});
