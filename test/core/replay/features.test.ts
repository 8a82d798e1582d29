/**
 * Calls that use all features of the route language: replayed with the same set, nothing differs.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { exportJson, readExport } from '../../../src/core/recording/export.ts';
import type { RecordedCall } from '../../../src/core/recording/recorded-call.ts';
import { compareCalls } from '../../../src/core/replay/comparison.ts';
import { happened, replay } from '../../../src/core/replay/replay.ts';
import { type CompiledRoutes, compileRouteSet } from '../../../src/core/rules/compiled-routes.ts';
import { recordCall, type Story } from '../../helpers/recorded-call.ts';
import { load } from '../../routing/routes-folder.ts';

/** `first`: steps that every rule which moves callers begins with. */
const files = (first = '') => ({
  'main.yaml': `
targets:
  desk: { sip: "sip:desk@pbx.example.com" }
  site: { sip: "sip:line@{row:site}.pbx.example.com" }
  agent: { sip: "sip:{lookup:crm.agent}@pbx.example.com", via: refer }
  voicemail: { sip: "sip:voicemail@pbx.example.com" }
tables:
  extensions: { file: extensions.csv, key: to }
switches: { evacuated: off }
lookups:
  crm: { url: "https://crm.example.com/?n={from}", keep: ["$.tier", "$.agent"] }
policy: { via: { pstn: [refer, transfer] }, allow: ["sip:*@pbx.example.com"] }
flows:
  take a message: [{ say: "Please leave a message." }, { refer: voicemail }]
  sorry: [{ say: "Nobody can take your call." }, hangup]
rules:
  - name: fire
    when: { to: "+14155550100", switch: evacuated }
    do: [${first}{ transfer: "+14155550199" }]
  - name: gold
    when: { to: "+14155550100", lookup: { crm: { tier: gold } } }
    do: [${first}{ refer: agent }, { refer: desk }]
  - name: lines
    when: { table: extensions, row: { tier: silver } }
    do: [${first}{ refer: site }, { run: sorry }]
  - name: support
    when: { to: "+14155550100" }
    do:
      - ${first === '' ? '' : 'say: Welcome.\n      - '}refer: desk
        if_failed: { busy: [{ run: take a message }, { run: sorry }] }
      - run: sorry
otherwise: [{ reject: declined }]
`,
  'extensions.csv': 'to,site,tier\n+4930901820,berlin,silver\n+4930901*,munich,silver\n',
});

const LINE = { to: '+4930901820', callerType: 'pstn' as const };
const FIRE = { switches: { evacuated: { on: true, untilMs: null, sinceMs: 1 } } };
const STORIES: Record<string, { story: Story; rule: string; went: string[]; ends: string }> = {
  'a way after the first, as REFER is not allowed': {
    story: { targets: { desk: [{ verdict: 'not_allowed' }, { verdict: 'completed' }] } },
    rule: 'support',
    went: ['refer desk not_allowed', 'transfer desk completed'],
    ends: 'transferred',
  },
  'both ways, and neither reaches anybody': {
    story: { targets: { desk: [{ verdict: 'rejected' }, { verdict: 'no_answer' }] } },
    rule: 'support',
    went: ['refer desk rejected', 'transfer desk no_answer'],
    ends: 'hung_up',
  },
  'a flow in a branch, and another after it': {
    story: { targets: { desk: [{ verdict: 'busy' }], voicemail: [{ verdict: 'declined' }] } },
    rule: 'support',
    went: ['refer desk busy', 'refer voicemail declined'],
    ends: 'hung_up',
  },
  'a row of a table': {
    story: { facts: LINE, targets: { site: [{ verdict: 'no_answer', rings: true }] } },
    rule: 'lines',
    went: ['refer site no_answer'],
    ends: 'hung_up',
  },
  'a row that a prefix finds': {
    story: { facts: { ...LINE, to: '+4930901899' } },
    rule: 'lines',
    went: ['refer site completed'],
    ends: 'referred',
  },
  'a switch that somebody had turned on': {
    story: { overrides: FIRE },
    rule: 'fire',
    went: ['transfer +14155550199 completed'],
    ends: 'transferred',
  },
  'a lookup that found the caller': {
    story: {
      lookups: { crm: { tier: 'gold', agent: '204' } },
      targets: { agent: [{ verdict: 'busy' }] },
    },
    rule: 'gold',
    went: ['refer agent busy', 'refer desk completed'],
    ends: 'referred',
  },
  'a lookup that lacks the field that a destination needs': {
    story: { lookups: { crm: { tier: 'gold' } } },
    rule: 'gold',
    went: ['refer agent rejected', 'refer desk completed'],
    ends: 'referred',
  },
  'a lookup that did not answer': {
    story: {},
    rule: 'support',
    went: ['refer desk completed'],
    ends: 'referred',
  },
};

/** As read from a file of `referee calls --export`. */
function exported(call: RecordedCall): RecordedCall {
  return readExport(JSON.stringify(exportJson(call)));
}

async function loaded(first?: string) {
  const result = await load(files(first));
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.set;
}

describe('the same set moves nobody who met', () => {
  let calls: Map<string, RecordedCall>;
  let same: CompiledRoutes;
  let greeting: CompiledRoutes;
  beforeAll(async () => {
    const set = await loaded();
    calls = new Map(
      Object.entries(STORIES).map(([name, { story }]) => [name, recordCall(set, story)]),
    );
    same = compileRouteSet(await loaded());
    greeting = compileRouteSet(await loaded('{ say: Welcome. }, '));
  });
  const callOf = (name: string) => calls.get(name) as RecordedCall;

  it.each(Object.keys(STORIES))('%s', (name) => {
    const recorded = callOf(name);
    const { rule, went, ends } = STORIES[name] as (typeof STORIES)[string];
    const { stored } = recorded;
    const words = stored.attempts.map(
      ({ kind, target, sipAddress, verdict }) => `${kind} ${target ?? sipAddress} ${verdict}`,
    );
    expect({ rule: stored.rule, went: words, ends: stored.ends }).toEqual({ rule, went, ends });
    expect(replay(recorded, same)).toEqual(happened(recorded));
    expect(replay(exported(recorded), same)).toEqual(happened(recorded));
  });

  it.each(Object.keys(STORIES))('%s, where every command is asked for again', (name) => {
    const recorded = callOf(name);
    expect(replay(recorded, greeting)).toEqual(happened(recorded));
  });

  it('and the whole comparison says so', () => {
    const comparing = compareCalls();
    for (const recorded of calls.values()) {
      comparing.add(recorded, { before: happened(recorded), after: replay(recorded, same) });
    }
    expect(comparing.result()).toMatchObject({ same: calls.size, differs: 0, changes: [] });
  });
});
