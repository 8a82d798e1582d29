/**
 * Resolves route steps for one call: looks up targets, draws picks, fills templates, and compares
 * every destination that is not literal with `policy.allow`. An error becomes the step's `problem`:
 * the step fails as rejected when it is its turn, and the plan continues.
 */
import type { CallFacts } from '../../machine/call.ts';
import type {
  Branches,
  MovingStep,
  OtherWay,
  PinnedPolicy,
  ReferStep,
  Step,
} from '../../machine/plan.ts';
import { isE164, parseSipUri } from '../addresses/sip-uri.ts';
import type { Resolving } from '../resolving.ts';
import type { Policy, RouteBranches, RouteSet, RouteStep, Ways } from '../rule.ts';
import { CallRows, NO_ROWS } from '../tables/found-rows.ts';
import { valuesFor } from '../texts/placeholder.ts';
import type { Filled } from '../texts/template.ts';
import { menuHeard, say, whileMoving } from '../texts/words.ts';
import { type AllowPattern, allows, parseAllow } from './allow.ts';
import { loopReason } from './loop.ts';
import { type Reached, reach, reachTarget, textOf, UNKNOWN } from './reach.ts';

export function resolveSteps(steps: readonly RouteStep[], using: Resolving): Step[] {
  const resolved: Step[] = [];
  for (const step of steps) {
    switch (step.do) {
      case 'refer':
      case 'transfer':
        resolved.push(...moves(step, using));
        break;
      case 'say': {
        const said = say(step, using);
        if (said !== null) resolved.push(said);
        break;
      }
      case 'play':
        resolved.push({ do: 'play', url: step.url });
        break;
      case 'menu': {
        const heard = menuHeard(step, using);
        if (heard === null) break;
        const digits: Record<string, Step[]> = {};
        for (const [digit, branch] of Object.entries(step.digits)) {
          digits[digit] = resolveSteps(branch, using);
        }
        const { tries, timeoutMs } = step;
        resolved.push({ do: 'menu', ...heard, digits, tries, timeoutMs });
        break;
      }
      case 'reject':
        resolved.push({ do: 'reject', cause: step.cause });
        break;
      case 'hangup':
      case 'ignore':
      case 'continue':
        resolved.push({ do: step.do });
        break;
      default:
        step satisfies never;
    }
  }
  return resolved;
}

export function pinPolicy(using: Resolving): PinnedPolicy {
  const { policy } = using.set;
  return {
    patienceMs: policy.patienceMs,
    whileMoving: whileMoving(using),
    refersPerCall: policy.refers.perCall,
    transfersPerCall: policy.transfers.perCall,
  };
}

/** Patterns of a checked set; one that does not parse allows nothing. */
export function allowPatterns(policy: Policy): AllowPattern[] {
  return policy.allow
    .map(parseAllow)
    .filter((pattern): pattern is AllowPattern => !('problem' in pattern));
}

/** Names of a set that are listed where another was asked for. */
const NAMES_SHOWN_MAX = 20;

/** A manual refer to a named target, or to a SIP URI that the policy must allow. */
export function resolveManual(
  set: RouteSet,
  facts: CallFacts,
  wanted: { target: string } | { sipAddress: string },
): { step: ReferStep } | { problem: string; kind: 'unknown_target' | 'policy' | 'malformed' } {
  if ('target' in wanted) {
    const target = set.targets.get(wanted.target);
    if (target === undefined) {
      const known = [...set.targets.keys()].slice(0, NAMES_SHOWN_MAX).join(', ') || 'none';
      const problem = `No target is called ${JSON.stringify(wanted.target)}; the live route set has ${known}.`;
      return { problem, kind: 'unknown_target' };
    }
    // No rule chose it, so no table did either.
    const rows = new CallRows(set.tables, facts);
    const valueFor = valuesFor(facts, (column) => rows.cell(column, NO_ROWS));
    const using = { set, allow: allowPatterns(set.policy), facts, valueFor, handlerMade: false };
    const step = manual(notBack(reachTarget(target, null, using), facts));
    return step.problem === null ? { step } : { problem: step.problem, kind: 'policy' };
  }
  const uri = parseSipUri(wanted.sipAddress);
  if ('problem' in uri) {
    return { problem: `sip_address is malformed: ${uri.problem}`, kind: 'malformed' };
  }
  const allowed = allows(allowPatterns(set.policy), wanted.sipAddress);
  if ('why' in allowed) return { problem: allowed.why, kind: 'policy' };
  const step = manual(notBack({ ...UNKNOWN, address: wanted.sipAddress }, facts));
  return step.problem === null ? { step } : { problem: step.problem, kind: 'policy' };
}

/** Always a REFER, whatever `via` says, because that is what the operator asked for. */
function manual(reached: Reached): ReferStep {
  return { ...referTo(reached), ifFailed: {}, sibling: false };
}

type MovingRouteStep = Extract<RouteStep, { do: 'refer' | 'transfer' }>;

/** One step, or one per target of a pick in this caller's order. */
function moves(step: MovingRouteStep, using: Resolving): MovingStep[] {
  const reached = reach(step.to, step.timeoutMs, using).map((one) => notBack(one, using.facts));
  const branches = resolveBranches(step.ifFailed, using);
  const from = step.do === 'transfer' && step.from !== null ? textOf(step.from, using) : null;
  return reached.map((one, index) => {
    const last = index === reached.length - 1;
    // `any` follows if the whole pick failed; a branch by verdict follows that verdict.
    const ifFailed = last ? branches : withoutAny(branches);
    const sibling = !last;
    if (step.do === 'transfer') return { ...transferTo(one, from), ifFailed, sibling };
    const [first, second] = waysTo(one, waysOf(step, one, using));
    // If both ways have the same problem, the step is tried and counted once.
    const other = second === undefined || isSameProblem(first, second) ? null : second;
    return { ...first, ifFailed, sibling, ...(other === null ? {} : { otherWay: other }) };
  });
}

/** What the step says, otherwise the target, otherwise the policy for this type of caller. */
function waysOf(
  step: Extract<RouteStep, { do: 'refer' }>,
  reached: Reached,
  { set, facts }: Resolving,
): Ways {
  const { callerType } = facts;
  const byPolicy = callerType === null ? null : set.policy.via[callerType];
  return step.via ?? reached.via ?? byPolicy ?? ['refer'];
}

function waysTo(reached: Reached, ways: Ways): [OtherWay, ...OtherWay[]] {
  const [first = 'refer', ...rest] = ways;
  const by = (way: Ways[number]) =>
    way === 'refer' ? referTo(reached) : transferTo(reached, null);
  return [by(first), ...rest.map(by)];
}

function isSameProblem(one: OtherWay, other: OtherWay): boolean {
  return one.problem !== null && one.problem === other.problem;
}

/** An incoming leg is not moved to where it came from: it would come back and be moved again. */
function notBack(reached: Reached, facts: CallFacts): Reached {
  if (reached.problem !== null || facts.direction === 'outgoing') return reached;
  return { ...reached, problem: loopReason(reached.address, facts.to) };
}

function withoutAny(branches: Branches): Branches {
  const { any: _, ...specific } = branches;
  return specific;
}

function resolveBranches(branches: RouteBranches, using: Resolving): Branches {
  const resolved: Branches = {};
  for (const [verdict, steps] of Object.entries(branches)) {
    resolved[verdict as keyof Branches] = resolveSteps(steps, using);
  }
  return resolved;
}

function referTo(reached: Reached): Extract<OtherWay, { do: 'refer' }> {
  const { address, via: _, problem, ...rest } = reached;
  const numberProblem = isE164(address)
    ? `${address} is a number; a refer needs a SIP URI, use transfer for numbers`
    : null;
  return { do: 'refer', sipAddress: address, ...rest, problem: problem ?? numberProblem };
}

function transferTo(reached: Reached, from: Filled | null): Extract<OtherWay, { do: 'transfer' }> {
  const { address, byeWithoutVerdict: _, via: __, problem, ...rest } = reached;
  const fromProblem = from !== null && 'problem' in from ? `from: ${from.problem}` : null;
  return {
    do: 'transfer',
    to: address,
    ...rest,
    from: from !== null && 'text' in from ? from.text : null,
    problem: problem ?? fromProblem,
  };
}
