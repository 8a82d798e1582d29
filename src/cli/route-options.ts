/**
 * Parses the options of `referee route` into a call, or returns a sentence that says what is wrong.
 */
import type { CallFacts, Verdict } from '../core/machine/call.ts';
import type { RouteSet } from '../core/rules/rule.ts';
import { factsOf } from '../routing/expected/example.ts';
import { didYouMean } from '../routing/problem.ts';
import { SCRIPTED_VERDICTS } from '../routing/schema/words.ts';

export interface RouteOptions {
  from?: string;
  to: string;
  at?: string;
  routes?: string;
  header: string[];
  verdict: string[];
  digits: string[];
  hangupAfter?: string;
  direction: string;
  connectionId?: string;
  callerType?: string;
  attestation?: string;
  tag: string[];
  switch: string[];
  lookup: string[];
  json?: boolean;
}

export function factsOfOptions(options: RouteOptions): CallFacts | string {
  const { direction, callerType } = options;
  if (direction !== 'incoming' && direction !== 'outgoing')
    return `--direction ${direction}: expected incoming or outgoing`;
  if (callerType !== undefined && callerType !== 'pstn' && callerType !== 'sip')
    return `--caller-type ${callerType}: expected pstn or sip`;
  const { attestation = 'A', connectionId = '0' } = options;
  if (!['A', 'B', 'C'].includes(attestation))
    return `--attestation ${attestation}: expected A, B or C`;
  if (!/^\d+$/.test(connectionId)) return `--connection-id ${connectionId}: expected digits only`;
  const headers: CallFacts['headers'] = [];
  for (const text of options.header) {
    const [, name = '', value = ''] = /^([^=:]*)[=:](.*)$/s.exec(text) ?? [];
    if (name.trim() === '')
      return `--header ${text}: expected name=value, for example X-Queue=support`;
    headers.push({ name: name.trim(), value: value.trim() });
  }
  return {
    ...factsOf(options.from ?? null, options.to),
    direction,
    ...(callerType === undefined ? {} : { callerType }),
    connectionId: options.connectionId ?? null,
    attestation: options.attestation ?? null,
    attestationValidated: options.attestation !== undefined,
    headers,
    tags: options.tag,
  };
}

/**
 * `target=busy`, repeatable, or `target=busy,completed`. A SIP URI may contain =, so the last one
 * counts.
 */
export function verdictsOf(texts: string[]): Record<string, Verdict[]> | string {
  const verdicts = new Map<string, Verdict[]>();
  for (const text of texts) {
    const at = text.lastIndexOf('=');
    if (at < 1) return `--verdict ${text}: expected target=verdict, for example support-us=busy`;
    const list = text.slice(at + 1).split(',');
    for (const verdict of list) {
      const known: readonly string[] = SCRIPTED_VERDICTS;
      if (!known.includes(verdict))
        return `--verdict ${text}: unknown verdict ${verdict}; ${didYouMean(verdict, known)}`;
    }
    const target = text.slice(0, at);
    verdicts.set(target, [...(verdicts.get(target) ?? []), ...(list as Verdict[])]);
  }
  return Object.fromEntries(verdicts);
}

/** What a menu can hear; null if all of it can. */
export function badDigits(texts: string[]): string | null {
  const bad = texts.find((text) => !/^[0-9*#]*$/.test(text));
  return bad === undefined ? null : `--digits ${bad}: expected 0 to 9, * and #, for example 1`;
}

export function switchesOf(texts: string[]): Record<string, boolean> | string {
  const turned: Record<string, boolean> = {};
  for (const text of texts) {
    const [, name = '', word = ''] = /^(.+)=(on|off)$/.exec(text) ?? [];
    if (name === '') return `--switch ${text}: name=on or name=off, for example main-site=off`;
    turned[name] = word === 'on';
  }
  return turned;
}

/** An answer without a field, `crm=gold`, would count as one without any of the kept fields. */
export function badLookup(texts: string[]): string | null {
  const bad = texts.find((text) => text.includes('=') && !/^[^=]+\.[^=]/.test(text));
  return bad === undefined ? null : lookupForm(bad);
}

function lookupForm(text: string): string {
  return `--lookup ${text}: lookup.field=value, for example crm.tier=gold`;
}

/** `crm.tier=gold`, or just `crm` for an answer without any of the kept fields. */
export function lookupsOf(
  texts: string[],
  { lookups }: RouteSet,
): Record<string, Record<string, string>> | string {
  const answers: Record<string, Record<string, string>> = {};
  for (const text of texts) {
    const [name, field, value] = lookupParts(text, lookups);
    const lookup = lookups.get(name);
    if (lookup === undefined) {
      const hint =
        lookups.size === 0 ? 'the routes have no lookups' : didYouMean(name, lookups.keys());
      return `--lookup ${text}: unknown lookup ${JSON.stringify(name)}; ${hint}`;
    }
    answers[name] ??= {};
    if (field === null) continue;
    const known = lookup.keep.map((each) => each.name);
    if (!known.includes(field)) {
      return `--lookup ${text}: ${name} keeps no ${JSON.stringify(field)}; ${didYouMean(field, known)}`;
    }
    if (value === null) return lookupForm(text);
    answers[name][field] = value;
  }
  return answers;
}

/** The name of a lookup may itself contain dots. */
function lookupParts(
  text: string,
  lookups: RouteSet['lookups'],
): [name: string, field: string | null, value: string | null] {
  if (lookups.has(text)) return [text, null, null];
  const equals = text.indexOf('=');
  const before = equals < 0 ? text : text.slice(0, equals);
  const dot = before.lastIndexOf('.');
  if (dot < 0) return [before, null, null];
  return [before.slice(0, dot), before.slice(dot + 1), equals < 0 ? null : text.slice(equals + 1)];
}
