/**
 * Resolves route steps for one call: looks up targets, draws picks, fills templates, and compares
 * every destination that is not literal with `policy.allow`. An error becomes the step's `problem`:
 * the step fails as rejected when it is its turn, and the plan continues.
 */

import type { CallFacts } from '../machine/call.ts';
import type {
  Branches,
  MenuStep,
  MovingStep,
  OtherWay,
  PinnedPolicy,
  PlayStep,
  ReferStep,
  SayStep,
  Step,
} from '../machine/plan.ts';
import { type AllowPattern, allows, parseAllow } from './allow.ts';
import { hashUnit } from './hash.ts';
import { spokenLanguage, variantFor } from './language.ts';
import { loopReason } from './loop.ts';
import type {
  Destination,
  Policy,
  RouteBranches,
  RouteSet,
  RouteStep,
  Target,
  Template,
  Ways,
  Words,
} from './rule.ts';
import { isE164, parseSipUri } from './sip-uri.ts';
import { fillSpoken } from './spoken.ts';
import { callerKey } from './subject.ts';
import { CallRows, NO_ROWS } from './table.ts';
import {
  type Filled,
  fillDestination,
  fillText,
  hasPlaces,
  isOperators,
  literalText,
  templateText,
  type ValueFor,
  valuesFor,
} from './template.ts';

const ATTEMPT_TIMEOUT_MS_DEFAULT = 30_000;

/** What resolving needs in addition to the steps. */
export interface Resolving {
  set: RouteSet;
  allow: readonly AllowPattern[];
  facts: CallFacts;
  /** What the placeholders of this call stand for. */
  valueFor: ValueFor;
  /** The steps come from a handler, so no destination in them is trusted. */
  handlerMade: boolean;
  /** What the callers of the rule speak. */
  language?: string | null;
  /**
   * Of no certain call: what depends on its placeholders works out for it, or does not. Undefined looks at
   * the facts.
   */
  assume?: 'usable' | 'unusable' | undefined;
}

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

/** A manual refer: to a named target, or to a SIP URI, which the policy must allow. */
export function resolveManual(
  set: RouteSet,
  facts: CallFacts,
  wanted: { target: string } | { sipAddress: string },
): { step: ReferStep } | { problem: string; kind: 'unknown_target' | 'policy' | 'malformed' } {
  if ('target' in wanted) {
    const target = set.targets.get(wanted.target);
    if (target === undefined) {
      const problem = `no target ${JSON.stringify(wanted.target)} in the live route set`;
      return { problem, kind: 'unknown_target' };
    }
    // No rule chose it, so no table does either.
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

/** A REFER, whatever `via` says: that is what the operator asked for. */
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
    // What both cannot do is tried, and counted, once.
    const other = second === undefined || isSameProblem(first, second) ? null : second;
    return { ...first, ifFailed, sibling, ...(other === null ? {} : { otherWay: other }) };
  });
}

/** The step's word, else the target's, else that of the policy for this type of caller. */
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

/**
 * An incoming leg is not moved to where it came from, because it would come in and be moved again.
 */
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

/** A destination and how to reach it, for refer and transfer. */
interface Reached {
  target: string | null;
  address: string;
  timeoutMs: number;
  userToUser: string | null;
  headers: { name: string; value: string }[];
  auth: { username: string; password: string } | null;
  byeWithoutVerdict: 'unconfirmed' | 'completed';
  via: Ways | null;
  problem: string | null;
}

const UNKNOWN: Reached = {
  target: null,
  address: '',
  timeoutMs: ATTEMPT_TIMEOUT_MS_DEFAULT,
  userToUser: null,
  headers: [],
  auth: null,
  byeWithoutVerdict: 'unconfirmed',
  via: null,
  problem: null,
};

function reach(to: Destination, timeoutMs: number | null, using: Resolving): Reached[] {
  switch (to.kind) {
    case 'target':
      return [reachNamed(to.name, timeoutMs, using)];
    case 'pick':
      return drawOrder(to.weights, callerKey(using.facts)).map((name) =>
        reachNamed(name, timeoutMs, using),
      );
    case 'literal': {
      const trusted = to.trusted && !using.handlerMade;
      const { address, problem } = destination(to.template, trusted, using);
      return [{ ...UNKNOWN, address, problem, timeoutMs: timeoutMs ?? UNKNOWN.timeoutMs }];
    }
  }
}

/**
 * Weighted rendezvous hashing: each target gets -ln(u)/weight from its hash of the caller, and the
 * smallest is first. A caller keeps the order, and adding or removing a target only moves that
 * target's callers.
 */
export function drawOrder(
  weights: readonly { name: string; weight: number }[],
  caller: string,
): string[] {
  return weights
    .filter(({ weight }) => weight > 0)
    .map(({ name, weight }) => ({
      name,
      draw: -Math.log(hashUnit('pick', caller, name)) / weight,
    }))
    .sort((a, b) => a.draw - b.draw)
    .map(({ name }) => name);
}

function reachNamed(name: string, timeoutMs: number | null, using: Resolving): Reached {
  const target = using.set.targets.get(name);
  if (target !== undefined) return reachTarget(target, timeoutMs, using);
  const problem = `no target ${JSON.stringify(name)} in this route set`;
  return { ...UNKNOWN, target: name, problem };
}

function reachTarget(target: Target, timeoutMs: number | null, using: Resolving): Reached {
  const { address, problem } = destination(target.sip, true, using);
  const problems = problem === null ? [] : [problem];
  const text = (filled: Filled, what: string): string => {
    if ('text' in filled) return filled.text;
    problems.push(`${what}: ${filled.problem}`);
    return '';
  };
  const headers = target.headers.map(({ name, value }) => ({
    name,
    value: text(textOf(value, using), `header ${name}`),
  }));
  const userToUser =
    target.userToUser === null ? null : text(textOf(target.userToUser, using), 'user_to_user');
  return {
    target: target.name,
    address,
    timeoutMs: timeoutMs ?? target.timeoutMs,
    userToUser,
    headers,
    auth: target.auth,
    byeWithoutVerdict: target.byeWithoutVerdict,
    via: target.via,
    problem: problems[0] === undefined ? null : `target ${target.name}: ${problems.join('; ')}`,
  };
}

/** `trusted`: the operator wrote it, and what of it a caller does not fill needs no policy. */
function destination(
  template: Target['sip'],
  trusted: boolean,
  using: Resolving,
): { address: string; problem: string | null } {
  const operators = trusted && isOperators(template);
  if (operators && !hasPlaces(template)) return { address: literalText(template), problem: null };
  if (using.assume !== undefined && hasPlaces(template)) {
    // What a table has was checked row by row when the set was loaded.
    const usable = using.assume === 'usable' || operators;
    return { address: templateText(template), problem: usable ? null : UNUSABLE };
  }
  const filled = fillDestination(template, using.valueFor);
  if ('problem' in filled) return { address: '', problem: filled.problem };
  if (operators) return { address: filled.text, problem: malformed(filled.text) };
  const allowed = allows(using.allow, filled.text);
  return { address: filled.text, problem: 'ok' in allowed ? null : allowed.why };
}

/** Why a destination is neither a number nor a SIP URI; null if it is one. */
export function malformed(destination: string): string | null {
  if (isE164(destination)) return null;
  const uri = parseSipUri(destination);
  return 'problem' in uri ? `${JSON.stringify(destination)}: ${uri.problem}` : null;
}

const UNUSABLE = 'a placeholder is empty, or policy.allow does not allow what it makes';

/** Every call has a number that was called and a session; what its caller writes may be missing. */
function textOf(template: Template, using: Resolving): Filled {
  if (using.assume === undefined || !hasPlaces(template)) return fillText(template, using.valueFor);
  const missing = using.assume === 'unusable' && template.some(isTheCallers);
  return missing ? { problem: UNUSABLE } : { text: templateText(template) };
}

function isTheCallers(piece: Template[number]): boolean {
  if ('literal' in piece) return false;
  return THE_CALLERS.has(piece.place);
}

/** What the caller writes or a lookup brings: both may be missing. */
const THE_CALLERS: ReadonlySet<string> = new Set(['from', 'from_user', 'header', 'lookup']);

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

interface Speaking {
  text: Words;
  voice: string | null;
  language: string | null;
}

/** Null: nothing but placeholders, and this call has none of them. */
function say(step: Speaking, using: Resolving): SayStep | PlayStep | null {
  const words = wordsOf(step, using);
  if ('play' in words) return { do: 'play', url: words.play };
  return words.text === '' ? null : { do: 'say', ...words };
}

/** Null: nothing but placeholders, and this call has none of them. */
function menuHeard(
  { prompt, voice, language }: Extract<RouteStep, { do: 'menu' }>,
  using: Resolving,
): Pick<MenuStep, 'text' | 'play' | 'voice' | 'language'> | null {
  const words = 'play' in prompt ? prompt : wordsOf({ text: prompt.say, voice, language }, using);
  if (!('play' in words)) return words.text === '' ? null : words;
  const { policy } = using.set;
  return {
    text: '',
    play: words.play,
    voice: voice ?? policy.voice,
    language: language ?? policy.language,
  };
}

/** The step's own language, else that of its rule, else that of the policy. */
function wordsOf(
  { text, voice, language }: Speaking,
  using: Resolving,
): Omit<SayStep, 'do'> | { play: string } {
  const { policy, prompts } = using.set;
  const wanted = [language, using.language ?? null, policy.language];
  if (!('prompt' in text)) {
    const first = wanted.find((each) => each !== null) ?? null;
    const spokenIn = first === null ? null : spokenLanguage(first, wanted);
    return { text: filled(text, using), voice: voice ?? policy.voice, language: spokenIn };
  }
  const prompt = prompts?.get(text.prompt);
  const variant = prompt === undefined ? null : variantFor(prompt, wanted);
  if (variant === null) return { text: '', voice: voice ?? policy.voice, language };
  if ('play' in variant.words) return variant.words;
  return {
    text: filled(variant.words.say, using),
    voice: voice ?? variant.words.voice ?? policy.voice,
    language: spokenLanguage(variant.language, wanted),
  };
}

function filled(text: Template, using: Resolving): string {
  return using.assume === undefined ? fillSpoken(text, using.valueFor) : templateText(text);
}

function whileMoving(using: Resolving): SayStep | PlayStep | null {
  const { whileMoving: written } = using.set.policy;
  if (written === null) return null;
  if ('play' in written) return { do: 'play', url: written.play };
  return say({ text: written.say, voice: null, language: null }, using);
}
