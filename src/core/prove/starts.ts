/**
 * Where the calls of a rule begin: its steps for each kind of caller that makes a difference to
 * them. No real number is needed: steps that depend on a caller's placeholders are played once as
 * if they had values and once as if not.
 */
import { initiatedOf, webhookOf } from '../dry-run/events.ts';
import type { CallFacts, Direction } from '../machine/call.ts';
import type { CallEvent } from '../machine/event.ts';
import { newCall, noFacts } from '../machine/new-call.ts';
import type { Decision, Moment } from '../machine/plan.ts';
import type { CompiledRoutes } from '../rules/compiled-routes.ts';
import { decide, type Made, planOf } from '../rules/decide.ts';
import { mayHold } from '../rules/may-hold.ts';
import type { Overrides } from '../rules/override.ts';
import type { Clause, RouteStep, Rule } from '../rules/rule.ts';
import { eventsOf, mentions } from '../rules/rule-index.ts';
import { NO_ROWS } from '../rules/tables/found-rows.ts';
import { callersOf } from './draws.ts';
import { type AskedBefore, isOf, lookupsBefore } from './lookups-before.ts';
import { type Answer, put, type Scene } from './scene.ts';

/** The call of an example, which shows what its handler decides. */
export interface ExampleCall {
  name: string;
  facts: CallFacts;
  at: number;
  overrides?: Overrides;
  /** Answers of the lookups. */
  lookups: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface Start {
  /** What distinguishes its callers, in words; null for everybody. */
  who: string | null;
  facts: CallFacts;
  event: Moment['event'];
  decision: Decision;
  /** Lookups that may be asked before the decision: all of them are, which takes the longest. */
  asked: AskedBefore;
}

export interface Starts {
  starts: Start[];
  /** Why some starts are missing; null if none are. */
  unfinished: string | null;
}

/** `rule` null is `otherwise`. Yields where it may be interrupted. */
export function* startsOf(
  routes: CompiledRoutes,
  rule: Rule | null,
  examples: readonly ExampleCall[],
): Generator<void, Starts> {
  if (rule !== null && 'handler' in rule.action) {
    return yield* handlerStarts(routes, rule, rule.action.handler, examples);
  }
  const steps =
    rule === null || !('steps' in rule.action) ? routes.set.otherwise : rule.action.steps;
  const { callers, unfinished } = yield* callersOf(routes, steps);
  const starts: Start[] = [];
  const seen = new Set<string>();
  for (const moment of momentsOf(rule)) {
    for (const { from, who } of callers) {
      for (const assume of ['usable', 'unusable'] as const) {
        for (const start of byType(routes, rule, steps, { ...moment, from, assume })) {
          const key = JSON.stringify([moment.event, moment.direction, start.decision.plan]);
          if (seen.has(key)) continue;
          seen.add(key);
          const words = [
            moment.direction === 'outgoing' ? 'a call placed from our side' : null,
            start.who,
            who,
            assume === 'unusable' ? 'where a placeholder has no usable value' : null,
          ].filter((word) => word !== null);
          starts.push({ ...start, who: words.join(', ') || null });
        }
      }
    }
  }
  return { starts, unfinished };
}

const TYPES = { pstn: 'a caller from the telephone network', sip: 'a caller by SIP' } as const;

/** One start for each type of caller whose steps differ, because `policy.via` names the type. */
function byType(
  routes: CompiledRoutes,
  rule: Rule | null,
  steps: readonly RouteStep[],
  caller: {
    event: Moment['event'];
    direction: Direction;
    from: string | null;
    assume: 'usable' | 'unusable';
  },
): Start[] {
  const { event, direction, from, assume } = caller;
  const made: Made = {
    steps,
    handlerMade: false,
    tables: rule?.tables ?? NO_ROWS,
    language: rule?.language,
  };
  const starts = (['pstn', 'sip'] as const).flatMap((callerType): Start[] => {
    const known = (clause: Clause) =>
      clause.key === 'caller_type' ? clause.values.includes(callerType) : null;
    if (rule !== null && mayHold(rule.when, known) === false) return [];
    const facts = { ...NOBODY, from, direction, callerType };
    const plan = planOf(routes, facts, { rule: rule?.name ?? null, made, assume });
    const decision = { ...plan, trace: [], why: 'prove', warnings: [] };
    const asked = lookupsBefore(routes.set, rule, {
      event,
      direction,
      steps,
      usable: assume === 'usable',
    });
    return [{ who: TYPES[callerType], facts, event, decision, asked }];
  });
  const plans = new Set(starts.map(({ decision }) => JSON.stringify(decision.plan)));
  return plans.size > 1 ? starts : starts.slice(0, 1).map((start) => ({ ...start, who: null }));
}

/** The moment at which the rule has just been chosen. */
export function begin(start: Start, limits: Limits): Scene {
  const { facts, event } = start;
  const decideAt = decisionsOf(start, limits);
  const first: Scene = {
    call: newCall(facts.callId, 0),
    now: 0,
    queue: [],
    events: 0,
    steps: [],
    silentSince: null,
    silenceMs: 0,
    promptAt: null,
    heard: false,
    overAt: null,
    unheard: false,
  };
  const events: CallEvent[] = [initiatedOf(facts)];
  if (event !== 'call.initiated') events.push(webhookOf(facts, 'call.answered'));
  if (event === 'call.dtmf.received') {
    events.push({ ...webhookOf(facts, event), digits: '1' });
  }
  return events.reduce((scene, each) => put(scene, each, decideAt), first);
}

/** First every lookup that may have to be asked, one after another; then the rule is chosen. */
export function decisionsOf({ event, decision, asked }: Start, limits: Limits): Answer {
  const chosen = { ...decision, policy: { ...decision.policy, ...limits } };
  const later: Decision = { ...chosen, plan: null };
  return ({ source, type }, facts, moment) => {
    // Once the rule is chosen, no other event chooses it again.
    if (moment.event !== event || (source === 'webhook' && type !== event)) return later;
    const lookup = asked.requests.find(({ name }) => facts.lookups?.[name] === undefined);
    return lookup === undefined ? chosen : { ...later, lookup };
  };
}

/** Limits of the policy that a search leaves out; see `prove.ts`. */
export type Limits = Partial<Decision['policy']>;

const NOBODY: CallFacts = { ...noFacts('prove'), sessionId: 'prove', callerType: 'pstn' };

const EVENTS: readonly Moment['event'][] = [
  'call.initiated',
  'call.answered',
  'call.dtmf.received',
];

function momentsOf(rule: Rule | null): { event: Moment['event']; direction: Direction }[] {
  if (rule === null) return [{ event: 'call.initiated', direction: 'incoming' }];
  const bits = eventsOf(rule.when);
  const named = mentions(rule.when, 'direction');
  const directions = (['incoming', 'outgoing'] as const).filter(
    (direction) =>
      (named || direction === 'incoming') && mayHold(rule.when, isOf(direction)) !== false,
  );
  return EVENTS.filter((_, number) => (bits & (1 << number)) !== 0).flatMap((event) =>
    directions.map((direction) => ({ event, direction })),
  );
}

/** What a handler returns cannot be foreseen, so only the calls of the examples are played. */
function* handlerStarts(
  routes: CompiledRoutes,
  rule: Rule,
  handler: string,
  examples: readonly ExampleCall[],
): Generator<void, Starts> {
  const starts: Start[] = [];
  const seen = new Set<string>();
  for (const { name, facts, at, lookups, overrides = {} } of examples) {
    const moment: Moment = { event: 'call.initiated', digits: null, at };
    const decision = decideKnowing(routes, facts, moment, { lookups, overrides });
    yield;
    const key = JSON.stringify(decision.plan);
    if (decision.rule !== rule.name || seen.has(key)) continue;
    seen.add(key);
    const who = `as in the example “${name}”`;
    const asked = lookupsBefore(routes.set, rule, {
      event: moment.event,
      direction: facts.direction ?? 'incoming',
      steps: [],
      usable: true,
    });
    starts.push({ who, facts, event: moment.event, decision, asked });
  }
  const shown =
    starts.length === 0
      ? 'no example shows it'
      : `only what ${starts.length} examples show is played`;
  const words = starts.length === 1 ? 'only what one example shows is played' : shown;
  return { starts, unfinished: `${handler} decides, which cannot be enumerated: ${words}` };
}

/** Decides like the server once every lookup it asks for has its scripted answer. */
function decideKnowing(
  routes: CompiledRoutes,
  facts: CallFacts,
  moment: Moment,
  { lookups, overrides }: { lookups: ExampleCall['lookups']; overrides: Overrides },
): Decision {
  let known = facts;
  for (;;) {
    const decision = decide(routes, known, moment, overrides);
    const name = decision.lookup?.name;
    if (name === undefined) return decision;
    const values = lookups[name];
    const fact = { values: values ?? {}, failed: values === undefined ? 'not scripted' : null };
    known = { ...known, lookups: { ...known.lookups, [name]: fact } };
  }
}
