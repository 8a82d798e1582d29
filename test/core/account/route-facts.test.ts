import { describe, expect, test } from 'vitest';
import { type RouteFacts, routeFacts } from '../../../src/core/account/route-facts.ts';
import { loadCompiled } from '../../../src/routing/load.ts';
import { withFolder } from '../../routing/routes-folder.ts';

async function facts(
  main: string,
  numbers: string[] = [],
  more: Record<string, string> = {},
): Promise<RouteFacts> {
  const files = { 'main.yaml': main, 'ours.txt': '+14155550140\n+14155560*\n', ...more };
  const loaded = await withFolder(files, (dir) => loadCompiled(dir, { env: {}, handlers: false }));
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return routeFacts(loaded.routes, numbers);
}

const rules = (when: string) => `
lists: { ours: { file: ours.txt } }
rules: [ { name: one, when: ${when}, do: [ hangup ] } ]
otherwise: [ hangup ]
`;

describe('a rule could match a call to +14155550100', () => {
  test.each([
    ['{ to: "+14155550100" }', true],
    ['{ to: "+1415555*" }', true],
    ['{ to: "+14155550111" }', false],
    ['{ to: ["+14155550111", "+1 415 555 0100"] }', true],
    ['{ from: "+4930901820" }', true],
    ['{ to: "+14155550111", from: "+4930901820" }', false],
    ['{ to: "+14155550100", from: "+4930901820" }', true],
    ['{ to: "+14155550100", direction: outgoing }', false],
    ['{ to: "+14155550100", event: call.answered }', true],
    ['{ not: { to: "+14155550100" } }', false],
    ['{ not: { to: "+14155550111" } }', true],
    ['{ not: { from: "+4930901820" } }', true],
    ['{ any: [ { to: "+14155550111" }, { to: "+14155550100" } ] }', true],
    ['{ to: "list:ours" }', false],
    ['{ connection_id: "77" }', true],
    ['{ connection_id: ["78", "77"], from: "+4930901820" }', true],
    ['{ to: "+14155550100", connection_id: "78" }', false],
    ['{ not: { connection_id: "77" } }', false],
    ['{ not: { connection_id: "78" } }', true],
  ])('when %s: %s', async (when, could) => {
    expect((await facts(rules(when))).couldMatch('+14155550100', '77', 0)).toBe(could);
  });

  test.each([
    ['2026-03-01', true],
    ['2026-03-03', false],
  ])('until 2026-03-02, asked on %s: %s', async (day, could) => {
    const dated = rules('{ to: "+14155550100" }').replace('do:', 'until: "2026-03-02", do:');
    const { couldMatch } = await facts(dated);
    expect(couldMatch('+14155550100', '77', Date.parse(day))).toBe(could);
  });

  test('that begins later', async () => {
    const dated = rules('{ to: "+14155550100" }').replace('do:', 'from: "2026-03-02", do:');
    expect((await facts(dated)).couldMatch('+14155550100', '77', 0)).toBe(true);
  });

  test('as its list says, exactly or by a prefix', async () => {
    const { couldMatch } = await facts(rules('{ to: "list:ours" }'));
    const could = (number: string) => couldMatch(number, '77', 0);
    expect([could('+14155550140'), could('+14155560001')]).toEqual([true, true]);
  });
});

describe('what a set names', () => {
  test('are exact numbers that its rules ask for, in lists too, and not those they exclude', async () => {
    const set = await facts(
      rules(
        '{ any: [ { to: ["+1 415 555 0100", "+1415*"] }, { to: "list:ours" }, { not: { to: "+14155550111" } } ] }',
      ),
    );
    expect([...set.named]).toEqual([
      ['+14155550100', 'one'],
      ['+14155550140', 'one'],
    ]);
  });

  test('are not the numbers that our own side calls', async () => {
    const outgoing = await facts(rules('{ direction: outgoing, to: "+4930901820" }'));
    expect([...outgoing.named]).toEqual([]);
    const both = await facts(rules('{ direction: [incoming, outgoing], to: "+4930901820" }'));
    expect([...both.named]).toEqual([['+4930901820', 'one']]);
  });

  test('are numbers of transfers wherever they stand, not SIP addresses or places', async () => {
    const set = await facts(`
targets: { desk: { sip: "sip:desk@pbx.example.com" } }
policy: { allow: [ "+1*" ] }
rules:
  - name: branches
    when: { to: "+14155550100" }
    do:
      - refer: desk
        if_failed: { busy: [ { transfer: "+4930901820" } ] }
      - menu: { say: "Press 1.", digits: { "1": [ { transfer: "+33142685300" } ] } }
      - transfer: sip:desk@pbx.example.com
      - transfer: "{from}"
otherwise: [ { transfer: "+14155550199" } ]
last_resort: [ hangup ]
`);
    expect([...set.transfers]).toEqual([
      ['+4930901820', 'branches'],
      ['+33142685300', 'branches'],
      ['+14155550199', 'otherwise'],
    ]);
  });

  test('are numbers that the rows of a table give a transfer, as far as its rule asks', async () => {
    const set = await facts(
      `
tables: { desks: { file: desks.csv, key: to } }
rules:
  - { name: gold, when: { table: desks, row: { tier: gold } }, do: [ { transfer: "{row:mobile}" } ] }
  - { name: dialled, when: { table: desks, row: { tier: tin } }, do: [ { transfer: "+{row:rest}" } ] }
otherwise: [ hangup ]
`,
      [],
      {
        'desks.csv': [
          'to,tier,mobile,rest',
          '+14155550100,gold,+491701234567,+1',
          '+14155550101,gold,+491701234568,+1',
          '+14155550102,gold,sip:a@pbx.example.com,+1',
          '+14155550103,silver,+33142685300,1',
          '+1415556*,tin,none,353861234567',
          '',
        ].join('\r\n'),
      },
    );
    expect([...set.transfers]).toEqual([
      ['+491701234567', 'gold'],
      ['+353861234567', 'dialled'],
    ]);
  });

  test('are the rule that asks for an attestation, and the numbers of examples', async () => {
    const none = await facts(rules('{ to: "+14155550100" }'));
    expect(none.attestationRule).toBeNull();
    const set = await facts(rules('{ attestation: A }'), ['+1 415 555 0111', 'sip:a@b.example']);
    expect(set.attestationRule).toBe('one');
    const denied = await facts(rules('{ not: { any: [ { attestation: [ B, C ] } ] } }'));
    expect(denied.attestationRule).toBe('one');
    expect([...set.inExamples]).toEqual(['+14155550111']);
  });
});
