/**
 * Texts with placeholders: `sip:{from_user}@pbx.example.com`. A caller's text must never become
 * more than a user part or a header's value. So a value with a control character, which could begin
 * another header, or an empty value is a problem: the step fails as rejected.
 */
import type { CallFacts } from '../../machine/call.ts';
import { E164_DIGITS_MAX, encodeUser, isE164, parseSipUri } from '../addresses/sip-uri.ts';
import type { Placeholder, Template } from '../rule.ts';
import { placeholderText, readPlaceholder, type ValueFor, valuesFor } from './placeholder.ts';

const TEMPLATE_CHARS_MAX = 1024;
/**
 * Telnyx documents no limit for a header; with the usual 8 KB per request this leaves room for
 * several.
 */
const FILLED_CHARS_MAX = 1024;

// C0, DEL, C1 and U+FFFD. Characters that no store accepts (U+0000, half a surrogate pair) were
// replaced by U+FFFD on arrival, and no extension contains them.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\ufffd]/;

export function parseTemplate(text: string): Template | { problem: string } {
  if (text.length > TEMPLATE_CHARS_MAX) {
    return { problem: `expected at most ${TEMPLATE_CHARS_MAX} characters, got ${text.length}` };
  }
  const template: Template = [];
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf('{', at);
    const literal = open < 0 ? text.slice(at) : text.slice(at, open);
    if (literal.includes('}'))
      return { problem: 'a } has no { before it: a placeholder is written {name}' };
    if (literal !== '') template.push({ literal });
    if (open < 0) break;
    const close = text.indexOf('}', open);
    if (close < 0) return { problem: 'a { is not closed: a placeholder is written {name}' };
    const place = readPlaceholder(text.slice(open + 1, close));
    if ('problem' in place) return place;
    template.push(place);
    at = close + 1;
  }
  return template;
}

export function hasPlaces(template: Template): boolean {
  return template.some((piece) => 'place' in piece);
}

/**
 * Whether only the operator's own data can fill it: every placeholder is a column of a table, and
 * tables are in files beside the route files.
 */
export function isOperators(template: Template): boolean {
  return template.every((piece) => 'literal' in piece || piece.place === 'row');
}

/** The text of a template without placeholders. */
export function literalText(template: Template): string {
  return template.map((piece) => ('literal' in piece ? piece.literal : '')).join('');
}

/** The original text of the template. */
export function templateText(template: Template): string {
  return template
    .map((piece) => ('literal' in piece ? piece.literal : placeholderText(piece)))
    .join('');
}

/**
 * A destination in a route file or from a handler: a SIP URI or an E.164 number. What a caller
 * sends may only fill the user part (in a number: anywhere after the first character). A column of
 * a table may be anywhere, even the whole destination, and is then checked row by row.
 */
export function parseDestination(
  text: string,
): { kind: 'sip' | 'number'; template: Template } | { problem: string } {
  const template = parseTemplate(text);
  if ('problem' in template) return template;
  if (!/^sips?:/i.test(text)) {
    const whole = hasPlaces(template) && 'place' in (template[0] ?? {});
    if (whole || couldBeNumber(template)) return { kind: 'number', template };
    return {
      problem: `${JSON.stringify(text)} is neither a SIP URI (sip:user@host) nor an E.164 number (+14155550100)`,
    };
  }
  let afterUser = false;
  let columnAfterUser = false;
  for (const piece of template) {
    if ('literal' in piece) afterUser ||= piece.literal.includes('@');
    else if (piece.place === 'row') columnAfterUser ||= afterUser;
    else if (afterUser) {
      return {
        problem: `the placeholder ${placeholderText(piece)} is only allowed in the user part, before the @`,
      };
    }
  }
  // `sip:{row:address}`: the column may hold the @ and the host.
  const whole = !afterUser && hasPlaces(template) && isOperators(template);
  if (whole) return { kind: 'sip', template };
  if (hasPlaces(template) && !afterUser) {
    return { problem: `${JSON.stringify(text)} has a placeholder but no @host after it` };
  }
  const sample = template.map((piece) => ('literal' in piece ? piece.literal : 'x')).join('');
  const uri = parseSipUri(sample);
  // A port or the end of an IP address may come from a column.
  return 'problem' in uri && !columnAfterUser
    ? { problem: `${JSON.stringify(text)}: ${uri.problem}` }
    : { kind: 'sip', template };
}

export type Filled = { text: string } | { problem: string };

/**
 * Fills a destination. In the user part of a SIP URI, RFC 3261's user characters are kept and the
 * rest is percent-encoded; a value from a table elsewhere is used as it is.
 */
export function fillDestination(template: Template, valueFor: ValueFor): Filled {
  const lastAt = template.findLastIndex(
    (piece) => 'literal' in piece && piece.literal.includes('@'),
  );
  return fill(template, valueFor, (value, piece, index) =>
    piece.place === 'row' && index > lastAt ? value : encodeUser(value),
  );
}

/** Whether values of some length make an E.164 number of it: `+{row:number}`, `+1415555{row:end}`. */
function couldBeNumber(template: Template): boolean {
  const literals = template.map((piece) => ('literal' in piece ? piece.literal : null));
  for (let digits = 1; digits <= E164_DIGITS_MAX; digits += 1) {
    const filler = '1'.repeat(digits);
    if (isE164(literals.map((literal) => literal ?? filler).join(''))) return true;
  }
  return false;
}

/**
 * For header values and User-to-User. The text is not encoded: in RFC 7433 the encoding belongs to
 * the content (`3132;encoding=hex` must arrive unchanged), and re-encoding would break a copied
 * header.
 */
export function fillText(template: Template, valueFor: ValueFor): Filled {
  const filled = fill(template, valueFor, (value) => value);
  if ('problem' in filled) return filled;
  if (filled.text.trim() === '') return { problem: `${templateText(template)} is empty` };
  return filled;
}

/** For the path and query of a URL. A value consisting of dots would lead to another path. */
export function fillUrl(template: Template, facts: CallFacts): Filled {
  const valueFor = valuesFor(facts, () => null);
  for (const piece of template) {
    if ('literal' in piece || !/^\.{1,2}$/.test(valueFor(piece) ?? '')) continue;
    return { problem: `${placeholderText(piece)} is ${valueFor(piece)}, which leads elsewhere` };
  }
  return fill(template, valueFor, encodeURIComponent);
}

function fill(
  template: Template,
  valueFor: ValueFor,
  encode: (value: string, piece: Placeholder, index: number) => string,
): Filled {
  let text = '';
  for (const [index, piece] of template.entries()) {
    if ('literal' in piece) {
      text += piece.literal;
      continue;
    }
    const value = valueFor(piece) ?? '';
    const name = placeholderText(piece);
    if (value.trim() === '') return { problem: `${name} has no value in this call` };
    if (CONTROL.test(value)) return { problem: `${name} contains a control character` };
    if (!value.isWellFormed()) return { problem: `${name} is not well-formed text` };
    text += encode(value, piece, index);
  }
  if (text.length > FILLED_CHARS_MAX) {
    return {
      problem: `${templateText(template)} grew to ${text.length} characters, expected at most ${FILLED_CHARS_MAX}`,
    };
  }
  return { text };
}
