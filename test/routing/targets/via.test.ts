import { describe, expect, test } from 'vitest';
import { load, problemsOf, warningsOf } from '../routes-folder.ts';

const TARGETS = 'targets: { us: { sip: "sip:us@pbx.example.com" } }';
const rule = (name: string, when: string, step: string) =>
  `  - { name: ${name}, when: ${when}, do: [${step}] }`;
const NUMBER = '{ to: "+14155550100" }';

async function warned(more: string, ...rules: string[]): Promise<string[]> {
  const result = await load(
    `${TARGETS}\n${more}\notherwise: [hangup]\nrules:\n${rules.join('\n')}`,
  );
  expect(problemsOf(result)).toEqual([]);
  return warningsOf(result);
}

describe('callers from the telephone network who have only a REFER', () => {
  test('are warned of once, at the first step', async () => {
    const rules = [
      rule('a', NUMBER, 'refer: us'),
      rule('b', '{ to: "+14155550101" }', 'refer: us'),
    ];
    expect(await warned('', ...rules)).toEqual([
      '5:51 callers from the telephone network can only be moved by REFER in "a", and in 1 more: most carriers refuse it (write policy: { via: { pstn: [refer, transfer] } }, or { pstn: refer } if yours accepts it)',
    ]);
  });

  test.each([
    ['the policy says how', 'policy: { via: { pstn: [refer, transfer] } }', NUMBER, 'refer: us'],
    ['the policy says that it works', 'policy: { via: { pstn: refer } }', NUMBER, 'refer: us'],
    ['the step says how', '', NUMBER, '{ refer: us, via: [refer, transfer] }'],
    ['a transfer is near', '', NUMBER, '{ refer: us }, { transfer: "+14155550199" }'],
    [
      'a transfer is in a branch',
      '',
      NUMBER,
      '{ refer: us, if_failed: { not_allowed: [{ transfer: "+14155550199" }] } }',
    ],
    ['none of them comes there', '', '{ to: "+14155550100", caller_type: sip }', 'refer: us'],
    ['a SIP address is called', '', '{ to: "sip:1*@pbx.example.com" }', 'refer: us'],
  ])('are not where %s', async (_why, policy, when, step) => {
    expect(await warned(policy, rule('a', when, step))).toEqual([]);
  });
});

test('a way stands once, and is a known one', async () => {
  const result = await load(
    `${TARGETS}\notherwise: [{ refer: us, via: [refer, refer] }, { refer: us, via: dial }]`,
  );
  expect(problemsOf(result)).toEqual([
    '2:39 via names refer twice (each way is tried once: refer, transfer, or [refer, transfer])',
    '2:67 "via" cannot be "dial" (known: refer, transfer)',
  ]);
});
