/** Reads destinations, and checks whether policy.allow could ever permit them. */
import { allows } from '../core/rules/allow.ts';
import type { Destination, Template } from '../core/rules/rule.ts';
import { hasPlaces, isOperators, literalText, parseDestination } from '../core/rules/template.ts';
import type { SetContext } from './context.ts';
import { hasTrunkPrefix, rightForm } from './e164.ts';
import { inAscii } from './look-alikes.ts';
import { usePlaces } from './lookups.ts';
import { fromNational } from './national.ts';
import { meantUri, quoted, withCountryCode } from './number.ts';
import { didYouMean, nearest, type Place } from './problem.ts';

/**
 * A destination written into the step. Where a route file has it, it is trusted as far as no caller
 * fills its places: what a table has is the operator's own.
 */
export function writtenDestination(
  context: SetContext,
  text: string,
  trusting: boolean,
  at: Place,
): Extract<Destination, { kind: 'literal' }> | null {
  const { problems } = context;
  if (text.includes(`\${`)) {
    problems.problem(
      at,
      `\${…} is only allowed in username and password of a target`,
      'write the destination literally',
    );
    return null;
  }
  const parsed = parseDestination(text);
  if ('problem' in parsed) {
    const hint = didYouMeanTarget(context, text) || destinationHint(text, context.country);
    problems.problem(at, parsed.problem, hint);
    return null;
  }
  if (trusting && hasTrunkPrefix(text)) {
    problems.problem(
      at,
      `${quoted(text)} contains the trunk prefix that is only dialled within the country`,
      destinationHint(text),
    );
    return null;
  }
  usePlaces(context, parsed.template, at);
  const trusted = trusting && isOperators(parsed.template);
  // What a handler made is held against policy when the step runs: its plan then goes on.
  if (trusting && !trusted) checkAllowed(context, parsed.template, at);
  return { kind: 'literal', template: parsed.template, trusted };
}

function didYouMeanTarget(context: SetContext, text: string): string {
  const names = [...context.names.target.keys()];
  return nearest(text, names) === null ? '' : didYouMean(text, names);
}

/**
 * Where something may go, in the form that is taken: of a number or URI as people write it; else
 * null.
 */
export function meantDestination(text: string): string | null {
  const forms = [rightForm(text), meantUri(text), inAscii(text).trim()];
  const taken = (form: string) => form !== text && !('problem' in parseDestination(form));
  return forms.find((form) => form !== null && taken(form)) ?? null;
}

/** What to write instead of a text that is no destination; empty where nobody can tell. */
export function destinationHint(text: string, country: string | null = null): string {
  const meant = meantDestination(text) ?? fromNational(text, country);
  if (meant !== null) return `write ${quoted(meant)}`;
  return /^[0-9][0-9().\s/-]{5,}$/.test(text) ? withCountryCode(text) : '';
}

/**
 * A templated destination that no value of its places brings into policy.allow would always fail as
 * rejected. Its places are in the user part, so pattern users are left aside where there are any.
 */
export function checkAllowed(context: SetContext, template: Template, at: Place): void {
  const shownAs = template.map((piece) => ('literal' in piece ? piece.literal : '{…}')).join('');
  if (context.allow.length === 0) {
    context.problems.problem(
      at,
      `${quoted(shownAs)} can never be reached: policy.allow allows nothing`,
      'add policy: { allow: [ … ] } with the allowed destinations',
    );
    return;
  }
  if (!hasPlaces(template)) {
    const answer = allows(context.allow, literalText(template));
    if ('why' in answer) context.problems.problem(at, answer.why, allowHint(answer.pattern));
    return;
  }
  // The host, or a part of it, stands in a table: nobody knows before the call.
  const userEnd = template.findIndex((piece) => 'literal' in piece && piece.literal.includes('@'));
  if (template.some((piece, index) => 'place' in piece && index > userEnd)) return;
  const sample = template.map((piece) => ('literal' in piece ? piece.literal : '1')).join('');
  const anyUser = context.allow.map((pattern) =>
    pattern.kind === 'sip' && pattern.user !== null
      ? { ...pattern, user: { ...pattern.user, matches: () => true } }
      : pattern,
  );
  // A number's places may become any digits: only a SIP host can be judged before a call.
  if (!/^sips?:/i.test(sample)) return;
  const answer = allows(anyUser, sample);
  if ('why' in answer) {
    const allowed = context.allow.map((pattern) => pattern.text).join(', ');
    context.problems.problem(
      at,
      `${quoted(shownAs)} can never be reached: policy.allow allows ${allowed}`,
      allowHint(answer.pattern),
    );
  }
}

function allowHint(pattern: string | undefined): string {
  return pattern === undefined
    ? 'change the destination or policy.allow'
    : `add ${quoted(pattern)} to policy.allow, or change the destination`;
}

/** The schema saw that it begins with https://; what is left is whether it is a URL at all. */
export function checkPlayUrl(context: SetContext, url: string, at: Place): void {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || parsed.hostname === '') {
    context.problems.problem(
      at,
      `${quoted(url)} is not a URL`,
      'for example "https://media.example.com/welcome.mp3"',
    );
  } else if (parsed.username !== '' || parsed.password !== '') {
    context.problems.problem(
      at,
      'the URL contains a user name or password',
      'Telnyx fetches the file without credentials: make it public',
    );
  }
}
