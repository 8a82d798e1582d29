/** Route sets built directly, in the form that the loader returns. */
import type { CallFacts } from '../../src/core/machine/call.ts';
import type { Moment } from '../../src/core/machine/plan.ts';
import type {
  Clause,
  Condition,
  Lookup,
  NumberList,
  Policy,
  RouteSet,
  RouteStep,
  Rule,
  Schedule,
  Switch,
  Target,
  Template,
} from '../../src/core/rules/rule.ts';
import type { Table } from '../../src/core/rules/tables/table.ts';
import { parseTemplate } from '../../src/core/rules/texts/template.ts';

export function template(text: string): Template {
  const parsed = parseTemplate(text);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed;
}

export function target(name: string, more: Partial<Target> = {}): Target {
  return {
    name,
    sip: template(`sip:${name}@pbx.example.com`),
    timeoutMs: 30_000,
    userToUser: null,
    headers: [],
    auth: null,
    byeWithoutVerdict: 'unconfirmed',
    via: null,
    rest: null,
    ...more,
  };
}

export function clause(one: Clause): Condition {
  return { clause: one };
}

export function rule(name: string, when: Condition[], action?: RouteStep[] | Rule['action']): Rule {
  const steps: RouteStep[] = [{ do: 'reject', cause: 'busy' }];
  return {
    name,
    when: { all: when },
    action: Array.isArray(action) ? { steps: action } : (action ?? { steps }),
    tables: [],
    file: 'main.yaml',
    line: 1,
  };
}

export function refer(
  name: string,
  ifFailed: Extract<RouteStep, { do: 'refer' }>['ifFailed'] = {},
): RouteStep {
  return { do: 'refer', to: { kind: 'target', name }, via: null, timeoutMs: null, ifFailed };
}

export function pick(weights: Record<string, number>, ifFailed = {}): RouteStep {
  const list = Object.entries(weights).map(([name, weight]) => ({ name, weight }));
  return { do: 'refer', to: { kind: 'pick', weights: list }, via: null, timeoutMs: null, ifFailed };
}

export function say(text: string): RouteStep {
  return { do: 'say', text: [{ literal: text }], voice: null, language: null };
}

export function routeSet(
  rules: Rule[],
  more: {
    targets?: Target[];
    lists?: NumberList[];
    schedules?: Schedule[];
    switches?: Switch[];
    tables?: Table[];
    lookups?: Lookup[];
    policy?: Partial<Policy>;
    otherwise?: RouteStep[];
    lastResort?: RouteStep[];
  } = {},
): RouteSet {
  const budget = { perCall: 5, perHour: null, perCallerPerHour: null };
  const byName = <T extends { name: string }>(all: T[] = []) =>
    new Map(all.map((one) => [one.name, one]));
  return {
    hash: 'hash',
    files: ['main.yaml'],
    targets: byName(more.targets ?? [target('us'), target('eu')]),
    lists: byName(more.lists),
    schedules: byName(more.schedules),
    switches: byName(more.switches),
    tables: byName(more.tables),
    lookups: byName(more.lookups),
    policy: {
      voice: 'voice',
      language: null,
      patienceMs: 120_000,
      via: { pstn: null, sip: null },
      rest: true,
      whileMoving: null,
      allow: [],
      refers: budget,
      transfers: budget,
      ...more.policy,
    },
    rules,
    otherwise: more.otherwise ?? [{ do: 'reject', cause: 'declined' }],
    lastResort: more.lastResort ?? [say('We cannot connect you.'), { do: 'hangup' }],
  };
}

export function facts(more: Partial<CallFacts> = {}): CallFacts {
  return {
    callId: 'v3:call',
    sessionId: 'session',
    legId: null,
    connectionId: '1684641123236054244',
    from: '+14155550101',
    to: '+14155550100',
    direction: 'incoming',
    callerName: null,
    callerType: 'pstn',
    attestation: null,
    attestationValidated: false,
    headers: [],
    tags: [],
    ...more,
  };
}

export function moment(more: Partial<Moment> = {}): Moment {
  const at = Date.parse('2026-03-02T15:00:00Z');
  return { event: 'call.initiated', digits: null, at, ...more };
}
