/** Checks the placeholders of a spoken text. */
import type { Template } from '../../core/rules/rule.ts';
import { parseSpoken } from '../../core/rules/texts/spoken.ts';
import { hasPlaces, isOperators } from '../../core/rules/texts/template.ts';
import type { SetContext } from '../building/context.ts';
import { didYouMean, nearest, type Place } from '../problem.ts';
import { usePlaces } from '../targets/lookups.ts';

const KNOWN = [
  'from',
  'to',
  'from_user',
  'to_user',
  'call_session_id',
  'header:',
  'row:',
  'lookup:',
];

export function spokenTemplate(context: SetContext, text: string, at: Place): Template {
  const { template, strange } = parseSpoken(text);
  for (const name of strange) {
    const word = /^[a-z_]+:/i.exec(name)?.[0] ?? name;
    context.problems.warning(
      at,
      `{${name}} is not a placeholder: it is spoken literally`,
      nearest(word, KNOWN) === null
        ? 'placeholders are {from} {to} {row:column} {header:X-Name} {lookup:name.field}'
        : didYouMean(word, KNOWN),
    );
  }
  usePlaces(context, template, at);
  // Table values are checked row by row elsewhere; values from a call are not known yet.
  const own = template.some((piece) => 'literal' in piece && /[\p{L}\p{N}]/u.test(piece.literal));
  if (hasPlaces(template) && !own && !isOperators(template)) {
    context.problems.warning(
      at,
      'the text has no words of its own: without a value nothing is spoken',
      'write words beside the placeholder',
    );
  }
  return template;
}
