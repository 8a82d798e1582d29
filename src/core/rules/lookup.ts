/** The lookups of one call: what is known, what would be asked, and which lookups steps need. */
import type { CallFacts, LookupFact } from '../machine/call.ts';
import type { LookupRequest } from '../machine/command.ts';
import {
  everyStep,
  type Lookup,
  type Reaching,
  type RouteSet,
  type RouteStep,
  type Target,
  type Template,
  targetsOf,
  type Words,
} from './rule.ts';
import { textsOf } from './texts/language.ts';
import { fillUrl } from './texts/template.ts';

/** The result of a lookup for this call; undefined if it has not been asked. */
export function lookupFact(
  name: string,
  facts: CallFacts,
  lookups: ReadonlyMap<string, Lookup>,
): LookupFact | undefined {
  const { lookups: known = {} } = facts;
  if (Object.hasOwn(known, name)) return known[name];
  const lookup = lookups.get(name);
  if (lookup === undefined) return { values: {}, failed: 'no such lookup in this route set' };
  const url = fillUrl(lookup.url, facts);
  // Without its address it cannot be asked.
  return 'problem' in url ? { values: {}, failed: `not asked: ${url.problem}` } : undefined;
}

/** The request of a lookup that has not been asked. */
export function lookupRequest(lookup: Lookup, facts: CallFacts): LookupRequest {
  const url = fillUrl(lookup.url, facts);
  if ('problem' in url) throw new Error(`lookup ${lookup.name}: ${url.problem}`);
  const { name, headers, keep, timeoutMs, cacheMs } = lookup;
  return { name, url: url.text, headers, keep, timeoutMs, cacheMs };
}

const KNOWN = new WeakMap<readonly RouteStep[], ReadonlySet<string>>();

/** Names of the lookups whose answers are part of what these steps send. */
export function lookupsIn(steps: readonly RouteStep[], set: RouteSet): ReadonlySet<string> {
  const known = KNOWN.get(steps);
  if (known !== undefined) return known;
  const found = new Set<string>();
  for (const step of everyStep(steps)) addStep(step, set, found);
  KNOWN.set(steps, found);
  return found;
}

function addStep(step: RouteStep, set: RouteSet, found: Set<string>): void {
  if (step.do === 'say') addWords(step.text, set, found);
  if (step.do === 'menu' && 'say' in step.prompt) addWords(step.prompt.say, set, found);
  if (step.do !== 'refer' && step.do !== 'transfer') return;
  const { to } = step;
  if (to.kind === 'literal') {
    addPlaces(to.template, found);
    if (to.more !== undefined) addPlacesOfReaching(to.more, found);
  }
  for (const name of targetsOf(to)) addPlacesOfTarget(set.targets.get(name), found);
  if (step.do === 'transfer' && step.from !== null) addPlaces(step.from, found);
}

function addPlacesOfTarget(target: Target | undefined, found: Set<string>): void {
  if (target === undefined) return;
  addPlaces(target.sip, found);
  addPlacesOfReaching(target, found);
}

function addPlacesOfReaching({ userToUser, headers }: Reaching, found: Set<string>): void {
  if (userToUser !== null) addPlaces(userToUser, found);
  for (const { value } of headers) addPlaces(value, found);
}

/** In every language, because any may be heard. */
function addWords(words: Words, set: RouteSet, found: Set<string>): void {
  for (const text of textsOf(words, set.prompts)) addPlaces(text, found);
}

function addPlaces(template: Template, found: Set<string>): void {
  for (const piece of template) {
    if ('place' in piece && piece.place === 'lookup') found.add(piece.lookup);
  }
}
