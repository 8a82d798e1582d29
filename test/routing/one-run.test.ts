/** Everything that is wrong is reported in one run, and nothing that is only a consequence of it. */
import { expect, test } from 'vitest';
import { parseDocument, visit } from 'yaml';
import { loadRoutes } from '../../src/routing/load.ts';
import { type Files, load, problemsOf, warningsOf } from './routes-folder.ts';

/** A title, the file, and every problem that it must give: place, message, hint. */
const TOGETHER: [string, string | Files, string[]][] = [
  [
    'a rule without a name',
    'rules: [ { when: { from: "list:gone" }, do: [ { refer: gone } ] } ]\notherwise: [ hangup ]',
    [
      '1:10 a rule has no name (add for example name: "support")',
      '1:26 unknown list "gone" (write it under lists:)',
      '1:56 unknown target "gone" (write it under targets:)',
    ],
  ],
  [
    'a rule whose name, when and do are misspelt',
    'rules: [ { nam: a, wen: { country: XX }, doo: [ { refer: gone } ] } ]\notherwise: [ hangup ]',
    [
      '1:12 unknown key "nam" in a rule (did you mean name?)',
      '1:20 unknown key "wen" in a rule (did you mean when?)',
      '1:36 unknown country "XX" (did you mean AX?)',
      '1:42 unknown key "doo" in a rule (did you mean do?)',
      '1:58 unknown target "gone" (write it under targets:)',
    ],
  ],
  [
    'a rule with a mistake, and with nothing to do',
    'rules: [ { name: a, when: { country: XX } } ]\notherwise: [ hangup ]',
    [
      '1:10 the rule "a" has neither do nor handler (write for example do: [ { reject: declined } ])',
      '1:38 unknown country "XX" (did you mean AX?)',
    ],
  ],
  [
    'targets without an address, with one that is none, and with half a password',
    'targets: { a: { timeout: 9h }, b: { sip: 5, headers: { Via: x } }, c: { sip: "sip:c@pbx.example.com", auth: { password: "$' +
      '{NOPE}" } } }\notherwise: [ { refer: a }, { refer: b }, { refer: c }, hangup ]',
    [
      '1:15 "a" has no sip (add for example sip: "sip:support@pbx.example.com")',
      '1:26 timeout "9h" is out of bounds (from 100ms to 10m)',
      '1:42 "sip" must be text; YAML reads "5" as a number (write it in quotes: "5")',
      '1:56 Via is a header of SIP itself (use a name of your own, such as X-Queue)',
      '1:109 "auth" has no username (add for example username: "$' + '{PBX_USER}")',
      '1:121 the variable NOPE is not set (set NOPE in the environment of the server and of check)',
    ],
  ],
  [
    'a schedule without a zone, and a lookup that keeps nothing',
    'schedules: { s: { open: [ "funday 09:00-17:00" ] } }\nlookups: { crm: { url: "ftp://crm.example.com" } }\nrules: [ { name: a, when: { schedule: s, lookup: { crm: { tier: gold } } }, do: [ hangup ] } ]\notherwise: [ hangup ]',
    [
      '1:17 "s" has no zone (add for example zone: "America/New_York")',
      '1:27 unknown day "funday" (known: mon, tue, wed, thu, fri, sat, sun)',
      '2:17 "crm" has no keep (add keep: …)',
      '2:24 "ftp://crm.example.com" is not an https address (placeholders are only allowed in the path and the query; for example "https://crm.example.com/who?n={from}")',
    ],
  ],
  [
    'steps that are none, or not whole, and what is in their branches',
    'otherwise: [ { refr: gone1, if_failed: { any: [ { refer: gone2 } ] } }, { frob: 1, if_failed: { any: [ { refer: gone3 } ] } }, { refer: 5, if_failed: { any: [ { refer: gone4 } ] } }, { menu: { digits: { 1: [ { refer: gone5 } ], x: [ { refer: gone6 } ] } } } ]',
    [
      '1:16 a step has none of the keys refer, transfer, say, play, menu, run, reject (did you mean refer?)',
      '1:22 unknown target "gone1" (write it under targets:)',
      '1:58 unknown target "gone2" (write it under targets:)',
      '1:75 a step has none of the keys refer, transfer, say, play, menu, run, reject (known: refer, transfer, say, play, menu, run, reject, hangup, ignore, continue)',
      '1:113 unknown target "gone3" (write it under targets:)',
      '1:137 "refer" must be text; YAML reads "5" as a number (write it in quotes: "5")',
      '1:169 unknown target "gone4" (write it under targets:)',
      '1:194 "menu" has none of the keys say, play (known: say, play)',
      '1:204 a key of "digits" must be text, "1" is a number (write it in quotes: "1")',
      '1:218 unknown target "gone5" (write it under targets:)',
      '1:229 "x" is not a telephone key, in quotes (for example "1")',
      '1:243 unknown target "gone6" (write it under targets:)',
    ],
  ],
  [
    'an example without a name, a called number and an expectation',
    'otherwise: [ hangup ]\nexamples: [ { call: { at: noon }, verdicts: { gone: busy } } ]',
    [
      '2:13 an example has no name (add for example name: "busy in the US goes to the EU")',
      '2:13 an example has no expect (add expect: …)',
      '2:21 "call" has no to (add for example to: "+14155550100")',
      '2:27 "noon" is not an ISO 8601 time such as 2026-03-02T15:00:00Z (write date, time and zone: 2026-03-02T15:00:00Z, or 2026-03-02T15:00:00-05:00)',
      '2:47 unknown target "gone" (write it under targets:)',
    ],
  ],
];

test.each(TOGETHER)('%s', async (_what, files, expected) => {
  expect(problemsOf(await load(files))).toEqual(expected);
});

/** A title, the files, and the only problem that is not a consequence of another. */
const ALONE: [string, string | Files, string][] = [
  [
    'a file that cannot be parsed may define every name',
    {
      'a.yaml':
        'targets: { desk: { sip: "sip:desk@pbx.example.com" }\npolicy: { allow: [ "+1*" ] }\n',
      'main.yaml':
        'rules: [ { name: a, when: { from: "list:vip", schedule: office, table: lines, switch: main, lookup: { crm: { tier: gold } } }, do: [ { say: { prompt: hi } }, { run: flow }, { transfer: "+1{header:X-To}" }, { refer: desk } ] } ]\notherwise: [ { refer: desk }, hangup ]\nguarantees: [ { name: g, rules: [ other ], moves: 5 } ]\nexamples: [ { name: e, call: { to: "+14155550100" }, verdicts: { desk: busy }, switches: { main: on }, expect: { rule: other } } ]',
    },
    'a.yaml:2:1 not valid YAML: Flow map in block collection must be sufficiently indented and end with a } (close the bracket in the lines before it, or check the indentation)',
  ],
  [
    'a file that is a list may define every name',
    {
      'a.yaml': '- desk\n',
      'main.yaml': 'otherwise: [ { refer: desk }, hangup ]',
    },
    'a.yaml:1:1 the file must be a map, not a list (write keys with values, such as targets: …)',
  ],
  [
    'targets that are a list may have every name',
    'targets: [ { desk: { sip: "sip:desk@pbx.example.com" } } ]\notherwise: [ { refer: desk }, hangup ]',
    '1:10 "targets" must be a map, not a list (write keys with values, such as support-us: …)',
  ],
  [
    'a rule without a name may have the one that is asked for',
    'rules: [ { do: [ hangup ] } ]\notherwise: [ hangup ]\nguarantees: [ { name: g, rules: [ a ], moves: 5 } ]\nexamples: [ { name: e, call: { to: "+14155550100" }, expect: { rule: a } } ]',
    '1:10 a rule has no name (add for example name: "support")',
  ],
  [
    'a pattern that is wrong may allow every destination',
    'policy: { allow: [ "*" ], via: { pstn: refer } }\notherwise: [ { refer: "sip:{header:X-To}@pbx.example.com" }, hangup ]',
    '1:20 "*" is not a pattern: expected "sip:user@host" with * in the user, "*.suffix" as host, perhaps a port, perhaps ;transport=tls or ;secure=srtp; or "+1*" (for example "sip:*@*.example.com" or "+1*")',
  ],
];

test.each(ALONE)('%s', async (_what, files, expected) => {
  const result = await load(files);
  expect(problemsOf(result)).toEqual([expected]);
  expect(warningsOf(result)).toEqual([]);
});

const WHOLE = `policy:
  zone: Europe/Berlin
  via: { pstn: [refer, transfer], sip: refer }
  allow: ["sip:*@pbx.example.com"]
  while_moving: { say: { prompt: hold } }
  refers: { per_call: 5 }
  patience: 90s
targets:
  desk: { sip: "sip:desk@pbx.example.com", timeout: 20s, headers: { X-Queue: desk }, auth: { username: "$${''}{PBX_USER}", password: "$${''}{PBX_PASSWORD}" } }
  agent: { sip: "sip:{lookup:crm.agent}@pbx.example.com", user_to_user: "{from}", via: refer }
lists: { vip: ["+14155550101"], blocked: { file: lists/blocked.txt } }
tables: { lines: { file: tables/lines.csv, key: to } }
switches: { site: on }
lookups: { crm: { url: "https://crm.example.com/{from}", timeout: 1s, keep: ["$.tier", "$.agent"], headers: { Authorization: "$${''}{CRM_TOKEN}" } } }
schedules:
  office:
    zone: Europe/Berlin
    open: ["mon-fri 09:00-17:00"]
    closed: [{ days: "12-25", because: holiday }, "2026-08-01"]
    special: ["2026-12-24 09:00-12:00"]
prompts: { hold: { en: "Please hold.", de: { say: "Bitte warten." }, fr: { play: "https://media.example.com/f.mp3" } } }
flows: { sorry: [{ say: "Please try later." }, hangup] }
numbers: { "+14155550100": Main }
rules:
  - name: lines
    when: { table: lines, row: { site: berlin } }
    do: [{ refer: { sip: "sip:{row:extension}@pbx.example.com", timeout: 10s }, if_failed: { busy: [{ run: sorry }], any: [continue] } }, { run: sorry }]
  - name: vip
    when: { any: [{ from: "list:vip" }, { from: "list:blocked" }], not: { switch: site }, schedule: office }
    language: de
    do: [{ refer: { pick: { desk: 1, agent: 2 } }, timeout: 20s }, { transfer: "+14155550199", from: "{from}" }, { run: sorry }]
  - name: gold
    when: { lookup: { crm: { tier: gold } }, closed_because: { office: holiday }, percent: 10 }
    do:
      - menu: { say: { prompt: hold }, digits: { "1": [{ refer: desk }], "2": [hangup] }, tries: 2, timeout: 5s }
      - play: "https://media.example.com/a.mp3"
      - reject: busy
otherwise: [{ run: sorry }]
last_resort: [{ say: Sorry. }, hangup]
guarantees: [{ name: short, rules: [vip], wait: 300s, never_ends: [failed] }]
examples:
  - name: one
    call: { from: "+14155550101", to: "+14155550100", at: "2026-03-02T15:00:00Z" }
    verdicts: { desk: busy, agent: [completed] }
    lookups: { crm: { tier: gold } }
    switches: { site: on }
    digits: "1"
    expect: { rule: vip, attempts: [desk, agent], ends: referred }
`;
const OTHER_FILES = {
  'lists/blocked.txt': '+14155550102\n',
  'tables/lines.csv': 'to,extension,site\n+14155550103,12,berlin\n',
};

/**
 * A misspelt name of a definition is not known where it is used, and each use is a problem of its
 * own; so keys are only misspelt where the schema knows them.
 */
test('one mistake anywhere gives one problem', { tags: ['long'] }, async () => {
  const encoder = new TextEncoder();
  const files = new Map(
    Object.entries(OTHER_FILES).map(([name, text]) => [name, encoder.encode(text)]),
  );
  const env = { PBX_USER: 'referee', PBX_PASSWORD: 'secret', CRM_TOKEN: 'secret' };
  const problems = async (text: string): Promise<string[]> => {
    const all = new Map([...files, ['main.yaml', encoder.encode(text)]]);
    const loaded = await loadRoutes(all, { env, handlers: false, nowMs: 1_772_463_600_000 });
    return loaded.ok ? [] : loaded.problems.map(({ line, message }) => `${line} ${message}`);
  };
  expect(await problems(WHOLE)).toEqual([]);
  let mistakes = 0;
  for (const [what, text] of mistakesIn(WHOLE)) {
    const found = await problems(text);
    if (found.length === 0 || /unknown [a-z]+ "|is not used/.test(found[0] ?? '')) continue;
    mistakes += 1;
    expect.soft(found, `${what}\n${text}`).toHaveLength(1);
  }
  expect(mistakes).toBeGreaterThan(300);
});

/** The text with one value that nothing takes, one value left out, or one key misspelt. */
function mistakesIn(text: string): [what: string, text: string][] {
  const found: [string, string][] = [];
  visit(parseDocument(text), {
    Pair(_key, pair) {
      const { key, value } = pair as {
        key: { value: string; range: [number, number, number] };
        value: { range: [number, number, number] };
      };
      const [keyStart, keyEnd] = key.range;
      const rest = text.slice(value.range[1]);
      const end = text[value.range[1] - 1] === '\n' ? '\n' : '';
      const name = key.value;
      found.push([`${name}: a list of lists`, `${text.slice(0, keyEnd)}: [[7]]${end}${rest}`]);
      found.push([`${name}: nothing`, `${text.slice(0, keyEnd)}: ${end}${rest}`]);
      const misspelt = name.replace(/^(..)/, '$1$1');
      found.push([misspelt, text.slice(0, keyStart) + misspelt + text.slice(keyEnd)]);
    },
  });
  return found;
}
