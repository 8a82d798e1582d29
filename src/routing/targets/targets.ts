/**
 * Converts targets into the core's form: templates for destinations and headers, references for
 * secrets.
 */
import { isE164 } from '../../core/rules/addresses/sip-uri.ts';
import type { Reaching, Target, Template } from '../../core/rules/rule.ts';
import { isOperators, parseDestination, parseTemplate } from '../../core/rules/texts/template.ts';
import { durationOf, type SetContext } from '../building/context.ts';
import { ATTEMPT_BOUNDS } from '../building/duration.ts';
import type { Positions } from '../decode/positions.ts';
import { quoted } from '../numbers/number.ts';
import type { Place } from '../problem.ts';
import type { WrittenDestination } from '../schema/destination.ts';
import { isOnWord } from '../schema/schedule.ts';
import type { WrittenTarget } from '../schema/schema.ts';
import { checkAllowed, destinationHint, meantDestination } from './destinations.ts';
import { usePlaces } from './lookups.ts';
import { checkVariable } from './variables.ts';
import { waysOf } from './via.ts';

export type Environment = Record<string, string | undefined>;

export function buildTarget(
  context: SetContext,
  name: string,
  written: WrittenTarget,
  positions: Positions,
  env: Environment,
): Target {
  return {
    name,
    sip: sipOf(context, written, positions),
    timeoutMs: durationOf(context, written, 'timeout', ATTEMPT_BOUNDS, 30_000, positions),
    ...buildReaching(context, written, positions, true),
    auth: written.auth === undefined ? null : authOf(context, written.auth, positions, env),
    rest: written.rest === undefined ? null : isOnWord(written.rest),
  };
}

/**
 * `trusted`: false for a handler's steps, whose texts are sent without filling in placeholders,
 * because they may contain what a caller wrote.
 */
export function buildReaching(
  context: SetContext,
  written: WrittenDestination,
  positions: Positions,
  trusted: boolean,
): Reaching {
  const { user_to_user: userToUser, headers = {}, bye_without_verdict: bye, via } = written;
  const filled = (what: string, text: string, at: Place): Template =>
    trusted ? template(context, what, text, at) : literally(context, text, at);
  return {
    userToUser:
      userToUser === undefined
        ? null
        : filled('user_to_user', userToUser, positions.at(written, 'user_to_user')),
    headers: headersOf(context, headers, positions, filled),
    byeWithoutVerdict: bye ?? 'unconfirmed',
    via: waysOf(context, via, positions),
  };
}

function sipOf(context: SetContext, written: WrittenTarget, positions: Positions): Template {
  const at = positions.at(written, 'sip');
  if (refusesSecret(context, written.sip, at) || !isSip(context, written.sip, at)) return [];
  const parsed = parseDestination(written.sip);
  if ('problem' in parsed) {
    const hint = destinationHint(written.sip) || 'for example "sip:{to_user}@pbx.example.com"';
    context.problems.problem(at, parsed.problem, hint);
    return [];
  }
  usePlaces(context, parsed.template, at);
  if (!isOperators(parsed.template)) checkAllowed(context, parsed.template, at);
  return parsed.template;
}

export function isSip(context: SetContext, text: string, at: Place): boolean {
  if (/^(?:sips?:|\{row:)/i.test(text)) return true;
  context.problems.problem(at, `${quoted(text)} is not a SIP URI`, uriHint(text));
  return false;
}

function uriHint(text: string): string {
  const meant = meantDestination(text) ?? text;
  if (isE164(meant)) return `use the step transfer for a number: "${meant}"`;
  if (/^[+0-9]/.test(text) && !text.includes('@')) return 'use the step transfer for a number';
  if (meant !== text) return `write ${quoted(meant)}`;
  const uri = `sip:${text}`;
  return 'problem' in parseDestination(uri)
    ? 'for example "sip:support@pbx.example.com"'
    : `write ${quoted(uri)}`;
}

function template(context: SetContext, what: string, text: string, at: Place): Template {
  if (refusesSecret(context, text, at)) return [];
  const parsed = parseTemplate(text);
  if (!('problem' in parsed)) {
    usePlaces(context, parsed, at);
    return parsed;
  }
  context.problems.problem(at, `${what}: ${parsed.problem}`);
  return [];
}

function literally(context: SetContext, text: string, at: Place): Template {
  return refusesSecret(context, text, at) ? [] : [{ literal: text }];
}

/** Headers that the SIP stack sets: with a second one a REFER would be malformed. */
const SIP_OWN = [
  'via',
  'from',
  'to',
  'call-id',
  'cseq',
  'contact',
  'max-forwards',
  'route',
  'record-route',
  'content-length',
  'content-type',
  'refer-to',
  'authorization',
  'proxy-authorization',
];

function headersOf(
  context: SetContext,
  written: Record<string, string>,
  positions: Positions,
  filled: (what: string, text: string, at: Place) => Template,
): Target['headers'] {
  const headers: Target['headers'] = [];
  const seen = new Set<string>();
  for (const [name, value] of Object.entries(written)) {
    const at = positions.atKey(written, name);
    const lower = name.toLowerCase();
    if (lower === 'user-to-user')
      context.problems.problem(
        at,
        'User-to-User is not a custom header',
        'use user_to_user: of the target',
      );
    else if (SIP_OWN.includes(lower))
      context.problems.problem(
        at,
        `${name} is a header of SIP itself`,
        'use a name of your own, such as X-Queue',
      );
    else if (seen.has(lower))
      context.problems.problem(
        at,
        `${name} appears twice (header names are case-insensitive)`,
        'keep one',
      );
    seen.add(lower);
    headers.push({ name, value: filled(name, value, positions.at(written, name)) });
  }
  return headers;
}

function authOf(
  context: SetContext,
  written: NonNullable<WrittenTarget['auth']>,
  positions: Positions,
  env: Environment,
): Target['auth'] {
  for (const key of ['username', 'password'] as const) {
    const text = written[key];
    const at = positions.at(written, key);
    const name = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(text)?.[1];
    if (name === undefined) {
      if (/\$\{|[{}]/.test(text))
        context.problems.problem(
          at,
          `${key} ${quoted(text)} must be a single \${NAME}`,
          `the whole value is one variable: "\${PBX_USER}"`,
        );
    } else checkVariable(context, name, at, env);
  }
  return { username: written.username, password: written.password };
}

function refusesSecret(context: SetContext, text: string, at: Place): boolean {
  if (!text.includes(`\${`)) return false;
  context.problems.problem(
    at,
    `\${…} is only allowed in username and password of a target`,
    'a placeholder is written {from}, without $',
  );
  return true;
}
