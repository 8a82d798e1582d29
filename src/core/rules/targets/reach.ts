/**
 * Where a step takes the caller: the targets that it names or draws, or a literal destination, with
 * templates filled and checked against the policy.
 */
import { isE164, parseSipUri } from '../addresses/sip-uri.ts';
import { hashUnit } from '../hash.ts';
import type { Resolving } from '../resolving.ts';
import type { Destination, Reaching, Target, Template, Ways } from '../rule.ts';
import { callerKey } from '../subject.ts';
import {
  type Filled,
  fillDestination,
  fillText,
  hasPlaces,
  isOperators,
  literalText,
  templateText,
} from '../texts/template.ts';
import { allows } from './allow.ts';

const ATTEMPT_TIMEOUT_MS_DEFAULT = 30_000;

/** A destination and how to reach it, for refer and transfer. */
export interface Reached {
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

export const UNKNOWN: Reached = {
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

export function reach(to: Destination, timeoutMs: number | null, using: Resolving): Reached[] {
  switch (to.kind) {
    case 'target':
      return [reachNamed(to.name, timeoutMs, using)];
    case 'pick':
      return drawOrder(to.weights, callerKey(using.facts)).map((name) =>
        reachNamed(name, timeoutMs, using),
      );
    case 'literal': {
      const trusted = to.trusted && !using.handlerMade;
      const { address: filled, problem } = destination(to.template, trusted, using);
      // Without a name, what the route file says is all that the failed step can be called.
      const address = filled || templateText(to.template);
      const known = { ...UNKNOWN, address, timeoutMs: timeoutMs ?? UNKNOWN.timeoutMs };
      if (to.more === undefined) return [{ ...known, problem }];
      const { problems, ...more } = fillReaching(to.more, using);
      return [{ ...known, ...more, problem: wordsOf([problem, ...problems]) }];
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

export function reachTarget(target: Target, timeoutMs: number | null, using: Resolving): Reached {
  const { address, problem } = destination(target.sip, true, using);
  const { problems, ...filled } = fillReaching(target, using);
  const words = wordsOf([problem, ...problems]);
  return {
    target: target.name,
    address,
    timeoutMs: timeoutMs ?? target.timeoutMs,
    ...filled,
    auth: target.auth,
    problem: words === null ? null : `target ${target.name}: ${words}`,
  };
}

function fillReaching({ userToUser, headers, byeWithoutVerdict, via }: Reaching, using: Resolving) {
  const problems: string[] = [];
  const text = (template: Template, what: string): string => {
    const filled: Filled = textOf(template, using);
    if ('text' in filled) return filled.text;
    problems.push(`${what}: ${filled.problem}`);
    return '';
  };
  return {
    headers: headers.map(({ name, value }) => ({ name, value: text(value, `header ${name}`) })),
    userToUser: userToUser === null ? null : text(userToUser, 'user_to_user'),
    byeWithoutVerdict,
    via,
    problems,
  };
}

function wordsOf(problems: (string | null)[]): string | null {
  return problems.filter((each) => each !== null).join('; ') || null;
}

/**
 * `trusted`: the operator wrote it, so only what a caller fills in is checked against the policy.
 */
function destination(
  template: Target['sip'],
  trusted: boolean,
  using: Resolving,
): { address: string; problem: string | null } {
  const operators = trusted && isOperators(template);
  if (operators && !hasPlaces(template)) return { address: literalText(template), problem: null };
  if (using.assume !== undefined && hasPlaces(template)) {
    // The values of tables were checked row by row when the set was loaded.
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

const UNUSABLE = 'a placeholder is empty, or policy.allow does not allow the destination';

/** Every call has a called number and a session, but what its caller sends may be missing. */
export function textOf(template: Template, using: Resolving): Filled {
  if (using.assume === undefined || !hasPlaces(template)) return fillText(template, using.valueFor);
  const missing = using.assume === 'unusable' && template.some(isTheCallers);
  return missing ? { problem: UNUSABLE } : { text: templateText(template) };
}

function isTheCallers(piece: Template[number]): boolean {
  if ('literal' in piece) return false;
  return THE_CALLERS.has(piece.place);
}

/** What the caller sends or a lookup answers: both may be missing. */
const THE_CALLERS: ReadonlySet<string> = new Set(['from', 'from_user', 'header', 'lookup']);
