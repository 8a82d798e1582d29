/** Reads destinations, and checks whether policy.allow could ever permit them. */
import type { Destination, Template } from '../../core/rules/rule.ts';
import { allows } from '../../core/rules/targets/allow.ts';
import {
  hasPlaces,
  isOperators,
  literalText,
  parseDestination,
} from '../../core/rules/texts/template.ts';
import type { SetContext } from '../building/context.ts';
import { inAscii } from '../look-alikes.ts';
import { hasTrunkPrefix, rightForm } from '../numbers/e164.ts';
import { fromNational } from '../numbers/national.ts';
import { meantUri, quoted, withCountryCode } from '../numbers/number.ts';
import { didYouMean, nearest, type Place } from '../problem.ts';
import { usePlaces } from './lookups.ts';

/**
 * A literal destination in a step. In a route file it is trusted unless a caller fills its
 * placeholders; values from a table are the operator's own.
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
    const hint = () => didYouMeanTarget(context, text) || destinationHint(text, context.country);
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
  // A destination from a handler is checked against the policy when the step runs, so that the plan
  // can continue after a refusal.
  if (trusting && !trusted) checkAllowed(context, parsed.template, at);
  return { kind: 'literal', template: parsed.template, trusted };
}

function didYouMeanTarget(context: SetContext, text: string): string {
  const names = [...context.names.target.keys()];
  return nearest(text, names) === null ? '' : didYouMean(text, names);
}

/**
 * A number or URI as people write it, in the form that is accepted; null if the meaning is unclear.
 */
export function meantDestination(text: string): string | null {
  const forms = [rightForm(text), meantUri(text), inAscii(text).trim()];
  const taken = (form: string) => form !== text && !('problem' in parseDestination(form));
  return forms.find((form) => form !== null && taken(form)) ?? null;
}

/** What to write instead of an invalid destination; empty if that is unclear. */
export function destinationHint(text: string, country: string | null = null): string {
  const meant = meantDestination(text) ?? fromNational(text, country);
  if (meant !== null) return `write ${quoted(meant)}`;
  return /^[0-9][0-9().\s/-]{5,}$/.test(text) ? withCountryCode(text) : '';
}

/**
 * Reports a destination that policy.allow can never permit, whatever the values of its
 * placeholders: it would always fail as rejected. With placeholders, which are in the user part,
 * the users of the allowed patterns are ignored.
 */
export function checkAllowed(context: SetContext, template: Template, at: Place): void {
  if (context.uncertain.has('allow')) return;
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
  // The host, or a part of it, comes from a table, so it is only known during a call.
  const userEnd = template.findIndex((piece) => 'literal' in piece && piece.literal.includes('@'));
  if (template.some((piece, index) => 'place' in piece && index > userEnd)) return;
  const sample = template.map((piece) => ('literal' in piece ? piece.literal : '1')).join('');
  const anyUser = context.allow.map((pattern) =>
    pattern.kind === 'sip' && pattern.user !== null
      ? { ...pattern, user: { ...pattern.user, matches: () => true } }
      : pattern,
  );
  // Placeholders in a number may become any digits, so only a SIP host can be checked before a
  // call.
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

/** The schema has checked that it begins with https://; here, that it is a URL. */
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
