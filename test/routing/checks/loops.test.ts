import { describe, expect, test } from 'vitest';
import { load, problemsOf, warningsOf } from '../routes-folder.ts';

/** The loops that check reports in these rules, as `line: text`. */
async function loopsIn(rules: string): Promise<string[]> {
  const result =
    await load(`policy: { allow: ["+1*", "sip:*@*.telnyx.com", "sip:*@pbx.example.com"] }
schedules: { office: { zone: UTC, open: ["mon-fri 09:00-17:00"] } }
targets:
  pbx: { sip: "sip:+14155550100@pbx.example.com" }
  dialled: { sip: "sip:{to_user}@pbx.example.com" }
  telnyx: { sip: "sip:+14155550100@sip.telnyx.com" }
  without-plus: { sip: "sip:14155550100@sip.telnyx.com" }
  back: { sip: "sip:{to_user}@sip.telnyx.com" }
lists: { ours: ["+14155550100", "+1 (415) 555-0101"], block: ["+1415555*"] }
otherwise: [hangup]
rules:
${rules}`);
  expect(problemsOf(result)).toEqual([]);
  return warningsOf(result).flatMap((text) => {
    const parts = /^(\d+):\d+ (.* leads back: .*?) \(/.exec(text);
    return parts === null ? [] : [`${Number(parts[1]) - 11}: ${parts[2]}`];
  });
}

describe('a step that leads back to what its rule serves', () => {
  test.each([
    ['its number', '{ to: "+14155550100" }', '{ transfer: "+14155550100" }'],
    [
      'one of several',
      '{ to: ["+14155550111", "+1 415 555 0100"] }',
      '{ transfer: "+14155550100" }',
    ],
    ['a number of its list', '{ to: "list:ours" }', '{ transfer: "+14155550101" }'],
    ['a number of a prefix in its list', '{ to: "list:block" }', '{ transfer: "+14155550101" }'],
    ['a number of its prefix', '{ to: "+1415555*" }', '{ transfer: "+14155550100" }'],
    [
      'while a schedule is open',
      '{ to: "+14155550100", schedule: office }',
      '{ transfer: "+14155550100" }',
    ],
    ['in any:', '{ any: [{ to: "+14155550100" }, { tags: a }] }', '{ transfer: "+14155550100" }'],
    ['a REFER to Telnyx', '{ to: "+14155550100" }', '{ refer: telnyx }'],
    ['a REFER to Telnyx without the plus', '{ to: "+14155550100" }', '{ refer: without-plus }'],
    ['a SIP address', '{ to: "sip:desk@in.example.com" }', '{ refer: "sip:desk@IN.example.com" }'],
    [
      'an address of a pattern',
      '{ to: "sip:*@in.example.com" }',
      '{ transfer: "sip:desk@in.example.com" }',
    ],
    ['the number called, templated', '{ from: "+14155550177" }', '{ transfer: "{to}" }'],
    ['the user called, at Telnyx', '{ to: "+1415555*" }', '{ refer: back }'],
    ['in a pick', '{ to: "+14155550100" }', '{ refer: { pick: { pbx: 1, telnyx: 1 } } }'],
    [
      'in a branch',
      '{ to: "+14155550100" }',
      '{ refer: pbx, if_failed: { busy: [{ transfer: "+14155550100" }] } }',
    ],
    [
      'in a menu',
      '{ to: "+14155550100" }',
      '{ menu: { say: hi, digits: { "1": [{ transfer: "+14155550100" }] } } }',
    ],
  ])('%s', async (_, when, step) => {
    expect(await loopsIn(`  - { name: a, when: ${when}, do: [${step}] }`)).toEqual([
      expect.stringMatching(
        /^1: (refer|transfer) to ".*" leads back: (this rule serves it|it is the number that was called)$/,
      ),
    ]);
  });

  test('stands at its own line', async () => {
    const rules = `  - name: a
    when: { to: "+14155550100" }
    do:
      - refer: pbx
      - transfer: "+14155550100"`;
    expect(await loopsIn(rules)).toEqual([
      '5: transfer to "+14155550100" leads back: this rule serves it',
    ]);
  });

  test('by way of other rules', async () => {
    const rules = `  - { name: a, when: { to: "+14155550111" }, do: [{ transfer: "+14155550112" }] }
  - { name: b, when: { to: "+14155550112" }, do: [{ transfer: "+14155550113" }] }
  - { name: c, when: { to: "+14155550113" }, do: [{ transfer: "+14155550111" }] }
  - { name: d, when: { to: "+14155550114" }, do: [{ transfer: "+14155550111" }] }`;
    expect(await loopsIn(rules)).toEqual([
      '1: transfer to "+14155550112" leads back: the rule "b" serves it, and leads to this one again',
      '2: transfer to "+14155550113" leads back: the rule "c" serves it, and leads to this one again',
      '3: transfer to "+14155550111" leads back: the rule "a" serves it, and leads to this one again',
    ]);
  });
});

test.each([
  ['another number', '{ to: "+14155550100" }', '{ transfer: "+14155550199" }'],
  ['the number called, at a PBX', '{ to: "+14155550100" }', '{ refer: pbx }'],
  ['the user called, at a PBX', '{ to: ["+14155550100", "sip:1???@*"] }', '{ refer: dialled }'],
  ['a number of the same country', '{ to: "+1*" }', '{ transfer: "+14155550199" }'],
  ['every number', '{ to: "*" }', '{ transfer: "+14155550199" }'],
  ['a rule that says no `to`', '{ from: "+14155550199" }', '{ transfer: "+14155550199" }'],
  [
    'a number that the rule leaves out',
    '{ to: "+1415555*", not: { to: "+14155550199" } }',
    '{ transfer: "+14155550199" }',
  ],
  [
    'a user at another host',
    '{ to: "sip:desk@in.example.com" }',
    '{ refer: "sip:desk@pbx.example.com" }',
  ],
])('no loop: %s', async (_, when, step) => {
  expect(await loopsIn(`  - { name: a, when: ${when}, do: [${step}] }`)).toEqual([]);
});

test('no loop where a rule before takes every such call', async () => {
  const rules = `  - { name: a, when: { to: "+14155550199" }, do: [hangup] }
  - { name: b, when: { to: "+1415555*" }, do: [{ transfer: "+14155550199" }] }`;
  expect(await loopsIn(rules)).toEqual([]);
});
