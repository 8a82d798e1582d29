/**
 * Converts lookups into the core's form: a URL with placeholders, headers with references, paths.
 */
import { isLoopback } from '../../core/loopback.ts';
import type { Lookup, Template } from '../../core/rules/rule.ts';
import { LOOKUP_FIELD } from '../../core/rules/texts/placeholder.ts';
import { hasPlaces, parseTemplate } from '../../core/rules/texts/template.ts';
import { withoutSecrets } from '../../log/secrets-in-text.ts';
import { durationOf, type SetContext, useName } from '../building/context.ts';
import {
  type DurationBounds,
  LOOKUP_CACHE_BOUNDS,
  LOOKUP_TIMEOUT_BOUNDS,
} from '../building/duration.ts';
import type { Positions } from '../decode/positions.ts';
import type { DecodedFile } from '../decoded-set.ts';
import { LIMITS } from '../limits.ts';
import { quoted } from '../numbers/number.ts';
import { didYouMean, type Place } from '../problem.ts';
import type { WrittenLookup } from '../schema/schema.ts';
import type { Environment } from './targets.ts';
import { checkVariable, NAME_OF_REFERENCE } from './variables.ts';

const TIMEOUT_MS_DEFAULT = 1_000;

/**
 * Must be built before anything that uses them: clauses and placeholders may only name fields in
 * `context.kept`.
 */
export function buildLookups(
  context: SetContext,
  files: DecodedFile[],
  env: Environment,
): Map<string, Lookup> {
  const lookups = new Map<string, Lookup>();
  for (const { routes, positions } of files) {
    for (const [name, written] of Object.entries(routes.lookups ?? {})) {
      if (lookups.size >= LIMITS.lookups) {
        context.problems.problem(
          positions.atKey(routes.lookups ?? {}, name),
          `more than ${LIMITS.lookups} lookups`,
          'a caller may wait for all of them: keep several fields of one answer',
        );
        return lookups;
      }
      lookups.set(name, buildLookup(context, name, written, positions, env));
    }
  }
  return lookups;
}

function buildLookup(
  context: SetContext,
  name: string,
  written: WrittenLookup,
  positions: Positions,
  env: Environment,
): Lookup {
  const duration = <T>(key: 'timeout' | 'cache', bounds: DurationBounds, fallback: T) =>
    durationOf(context, written, key, bounds, fallback, positions);
  const keep = keepOf(context, written, positions);
  context.kept.set(name, new Set(keep.map((each) => each.name)));
  return {
    name,
    url: urlOf(context, written.url, positions.at(written, 'url')),
    headers: headersOf(context, written.headers ?? {}, positions, env),
    keep,
    timeoutMs: duration('timeout', LOOKUP_TIMEOUT_BOUNDS, TIMEOUT_MS_DEFAULT),
    cacheMs: duration('cache', LOOKUP_CACHE_BOUNDS, null),
  };
}

function urlOf(context: SetContext, text: string, at: Place): Template {
  const { problems } = context;
  const refuse = (problem: string, hint: string): Template => {
    problems.problem(at, problem, hint);
    return [];
  };
  const example = 'for example "https://crm.example.com/who?n={from}"';
  if (text.includes(`\${`)) {
    const hint = 'send secrets in headers:, because servers log the addresses of requests';
    return refuse(`\${…} is not allowed in the url of a lookup`, hint);
  }
  const template = parseTemplate(text);
  if ('problem' in template) return refuse(`url: ${template.problem}`, example);
  const chained = template.find((piece) => 'place' in piece && piece.place === 'lookup');
  if (chained !== undefined) {
    return refuse(
      'a lookup cannot use the answer of another one',
      'use only placeholders of the call',
    );
  }
  if (template.some((piece) => 'place' in piece && piece.place === 'row')) {
    return refuse(
      'a lookup cannot use the row of a table: it is requested before a rule is chosen',
      'use only placeholders of the call',
    );
  }
  const [first] = template;
  const host = first !== undefined && 'literal' in first ? first.literal : '';
  if (
    !/^https?:\/\/[^/?#]+(?:[/?#]|$)/i.test(host) ||
    (hasPlaces(template) && !/^[^:]+:\/\/[^/?#]+[/?#]/.test(host))
  ) {
    return refuse(
      /^https?:\/\//i.test(text)
        ? `${quoted(text)} has a placeholder in its host, or no host`
        : `${quoted(text)} is not an https address`,
      `placeholders are only allowed in the path and the query; ${example}`,
    );
  }
  const sample = template.map((piece) => ('literal' in piece ? piece.literal : 'x')).join('');
  if (!URL.canParse(sample)) return refuse(`${quoted(text)} is not a URL`, example);
  const url = new URL(sample);
  if (url.username !== '' || url.password !== '') {
    return refuse(
      'the url contains a user name or password',
      'send them in headers:, as references',
    );
  }
  if (url.hash !== '') return refuse('what follows # is never sent', 'remove it, or write %23');
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    return refuse(
      `${quoted(text)} is http, which anybody on the way can read and change`,
      'use https; http is only for 127.0.0.1, ::1 and localhost',
    );
  }
  const secret = writtenSecret(template);
  if (secret !== null) {
    problems.warning(
      at,
      `${quoted(secret)} in the query looks like a secret, written as plain text`,
      `send it in headers:, as a reference such as "\${CRM_TOKEN}": servers log the addresses of requests`,
    );
  }
  return template;
}

/** A value as short as a country's is no key, although Azure has its keys in `code`. */
const SHORT_CODE = /^code=.{0,15}$/i;

/** The first parameter of the query whose written value the log would mask; null: none. */
function writtenSecret(template: Template): string | null {
  const literal = template.map((piece) => ('literal' in piece ? piece.literal : '')).join('');
  for (const [name, value] of new URL(literal).searchParams) {
    const written = `${name}=${value}`;
    const isSecret = withoutSecrets(`?${written}`, '…') !== `?${written}`;
    if (value !== '' && isSecret && !SHORT_CODE.test(written)) return name;
  }
  return null;
}

/** Headers that the HTTP client sets itself. */
const REQUEST_OWN: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'accept-encoding',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'upgrade',
]);
/** Headers whose value is a secret, which does not belong in a file. */
const SECRET: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie']);

function headersOf(
  context: SetContext,
  written: Record<string, string>,
  positions: Positions,
  env: Environment,
): Lookup['headers'] {
  const seen = new Set<string>();
  for (const [name, value] of Object.entries(written)) {
    const lower = name.toLowerCase();
    const key = positions.atKey(written, name);
    const at = positions.at(written, name);
    const problem = (place: Place, text: string, hint: string) =>
      context.problems.problem(place, text, hint);
    if (REQUEST_OWN.has(lower)) problem(key, `${name} is set by Referee itself`, 'remove it');
    if (seen.has(lower)) {
      problem(key, `${name} appears twice (header names are case-insensitive)`, 'keep one');
    }
    seen.add(lower);
    const rest = value.replace(NAME_OF_REFERENCE, (_, variable: string) => {
      checkVariable(context, variable, at, env);
      return '';
    });
    if (/[{}]/.test(rest)) {
      const hint = `placeholders such as {from} go into the url; a secret is "\${NAME}"`;
      const text = SECRET.has(lower) ? name : `${name}: ${quoted(value)}`;
      problem(at, `${text} has a brace that is not part of a \${NAME}`, hint);
    } else if (!/^[\t\x20-\x7e]*$/.test(rest)) {
      problem(at, `${name} contains a character that headers cannot contain`, 'write it in ASCII');
    } else if (SECRET.has(lower) && rest === value) {
      problem(
        at,
        `${name} is written as plain text`,
        `write secrets as references, such as "\${CRM_TOKEN}"`,
      );
    }
  }
  return Object.entries(written).map(([name, value]) => ({ name, value }));
}

function keepOf(context: SetContext, written: WrittenLookup, positions: Positions): Lookup['keep'] {
  const keep: Lookup['keep'] = [];
  for (const [index, text] of written.keep.entries()) {
    const at = positions.at(written.keep, index);
    const path = pathOf(text);
    if (path === null) {
      const hint = 'for example "$.tier" or "$.customer.tier": keys joined by dots, nothing else';
      context.problems.problem(at, `${quoted(text)} is not a simple path`, hint);
      continue;
    }
    const name = path.at(-1) ?? '';
    const before = keep.find((each) => each.name === name);
    if (before !== undefined) {
      const shown = `$.${before.path.join('.')}`;
      const why = `${quoted(text)} and ${quoted(shown)} are both named ${name}, by their last key`;
      context.problems.problem(at, why, 'keep one of them');
      continue;
    }
    keep.push({ name, path });
  }
  return keep;
}

function pathOf(text: string): string[] | null {
  const [root, ...keys] = text.split('.');
  if (root !== '$' || keys.length === 0 || keys.length > 10) return null;
  return keys.every((key) => LOOKUP_FIELD.test(key)) ? keys : null;
}

/** Checks that the lookup exists and keeps this field. */
export function useLookup(
  context: SetContext,
  lookup: string,
  field: string,
  at: { lookup: Place; field: Place },
): void {
  if (!useName(context, 'lookup', lookup, at.lookup)) return;
  const kept = context.kept.get(lookup);
  // If the lookup itself has problems, they have been reported already.
  if (kept === undefined || kept.size === 0 || kept.has(field)) return;
  const problem = `the lookup ${quoted(lookup)} keeps no ${quoted(field)}`;
  context.problems.problem(at.field, problem, didYouMean(field, kept));
}

/** Checks the lookups that a text with placeholders names. */
export function usePlaces(context: SetContext, template: Template, at: Place): void {
  for (const piece of template) {
    if ('literal' in piece || piece.place !== 'lookup') continue;
    useLookup(context, piece.lookup, piece.field, { lookup: at, field: at });
  }
}
