/**
 * The cost of a decision as route sets grow: 10 rules with one number each; 2,000 rules with 1,000
 * entries in total; 2,000 rules with 100,000 numbers and 100,000 prefixes. Run: `node
 * bench/decision.ts`.
 */
import type { CallFacts } from '../src/core/machine/call.ts';
import { compileRouteSet } from '../src/core/rules/compiled-routes.ts';
import { decide } from '../src/core/rules/decide.ts';
import type {
  Clause,
  NumberList,
  RouteBranches,
  RouteSet,
  RouteStep,
  Rule,
  Target,
} from '../src/core/rules/rule.ts';

const ROUNDS = 5;
const DECISIONS = 20_000;
const CALLERS = 1_000;

/** Typical steps of a rule: try one target, then another, then play a message. */
const STEPS: RouteStep[] = [
  refer('support-us', {
    not_allowed: [{ do: 'say', text: [{ literal: 'Sorry.' }], voice: null, language: null }],
  }),
  refer('support-eu', {}),
  { do: 'say', text: [{ literal: 'Nobody can take your call.' }], voice: null, language: null },
  { do: 'hangup' },
];

const small = build(10, 10, 0);
const middle = build(2_000, 500, 500);
const large = build(2_000, 100_000, 100_000);

const startedAt = performance.now();
const compiledLarge = compileRouteSet(large.set);
const compileMs = performance.now() - startedAt;

const results = {
  'decision-10-rules-us': measure(compileRouteSet(small.set), small.dialled),
  'decision-1k-entries-us': measure(compileRouteSet(middle.set), middle.dialled),
  'decision-100k-entries-us': measure(compiledLarge, large.dialled),
};
for (const [name, micros] of Object.entries(results)) console.log(`${name}: ${micros.toFixed(2)}`);
console.log(
  `decision-100k-over-10: ${(results['decision-100k-entries-us'] / results['decision-10-rules-us']).toFixed(2)}`,
);
console.log(`compile-100k-ms: ${compileMs.toFixed(0)}`);

/**
 * Rules with the entries spread over them: half of each rule's entries are in `to` itself, half in
 * its own list.
 */
function build(ruleCount: number, exactCount: number, prefixCount: number) {
  const exact = Array.from({ length: exactCount }, (_, i) => `+1415${String(1_000_000 + i)}`);
  const prefixes = Array.from({ length: prefixCount }, (_, i) => `+44${String(100_000 + i)}*`);
  const lists = new Map<string, NumberList>();
  const rules: Rule[] = [];
  for (let r = 0; r < ruleCount; r += 1) {
    const own = share(exact, ruleCount, r);
    const ownPrefixes = share(prefixes, ruleCount, r);
    const half = Math.ceil(own.length / 2);
    lists.set(`l${r}`, {
      name: `l${r}`,
      entries: [...own.slice(half), ...ownPrefixes],
    });
    const values = own.slice(0, half);
    const clause: Clause = { key: 'to', values: [...values, `list:l${r}`] };
    rules.push({
      name: `rule ${r}`,
      when: { all: [{ clause }] },
      action: { steps: STEPS },
      tables: [],
      file: 'bench.yaml',
      line: r,
    });
  }
  const dialled = exact.map((number) => number);
  for (const prefix of prefixes) dialled.push(prefix.replace('*', '7777'));
  return { set: routeSet(rules, lists), dialled };
}

function share(all: string[], parts: number, part: number): string[] {
  const size = Math.ceil(all.length / parts);
  return all.slice(part * size, (part + 1) * size);
}

/** Microseconds per decision, the best of a few rounds; the calls are spread over all entries. */
function measure(routes: ReturnType<typeof compileRouteSet>, dialled: string[]): number {
  const calls = Array.from({ length: CALLERS }, (_, i) =>
    facts(dialled[(i * 7919) % dialled.length] ?? ''),
  );
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    for (let i = 0; i < DECISIONS; i += 1) {
      const call = calls[i % CALLERS];
      if (call === undefined) continue;
      const moment = { event: 'call.initiated' as const, digits: null, at: 1_772_000_000_000 + i };
      const decision = decide(routes, call, moment, {});
      if (decision.rule === null) throw new Error(`no rule for ${call.to}`);
    }
    best = Math.min(best, ((performance.now() - start) * 1000) / DECISIONS);
  }
  return best;
}

function refer(name: string, ifFailed: RouteBranches): RouteStep {
  return { do: 'refer', to: { kind: 'target', name }, via: null, timeoutMs: null, ifFailed };
}

function target(name: string): [string, Target] {
  const sip = [{ literal: `sip:support@${name}.example.com` }];
  const userToUser = [{ place: 'call_session_id' as const, header: null }];
  const headers = [{ name: 'X-Queue', value: [{ literal: 'support' }] }];
  const rest = { auth: null, byeWithoutVerdict: 'unconfirmed' as const, via: null, rest: null };
  return [name, { name, sip, timeoutMs: 30_000, userToUser, headers, ...rest }];
}

function facts(to: string): CallFacts {
  return {
    callId: 'v3:bench',
    sessionId: 's',
    legId: null,
    connectionId: '1234567890123456789',
    from: '+353861234567',
    to,
    direction: 'incoming',
    callerName: null,
    callerType: 'pstn',
    attestation: null,
    attestationValidated: false,
    headers: [],
    tags: [],
  };
}

function routeSet(rules: Rule[], lists: Map<string, NumberList>): RouteSet {
  const budget = { perCall: 5, perHour: null, perCallerPerHour: null };
  return {
    hash: 'bench',
    files: ['bench.yaml'],
    targets: new Map([target('support-us'), target('support-eu')]),
    lists,
    schedules: new Map(),
    switches: new Map(),
    tables: new Map(),
    lookups: new Map(),
    policy: {
      voice: 'voice',
      language: null,
      via: { pstn: null, sip: null },
      rest: true,
      patienceMs: 120_000,
      whileMoving: null,
      allow: [],
      refers: budget,
      transfers: budget,
    },
    rules,
    otherwise: [{ do: 'reject', cause: 'declined' }],
    lastResort: [{ do: 'hangup' }],
  };
}
