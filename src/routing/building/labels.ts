/** `numbers`: labels for our own numbers. */
import { readAddress } from '../../core/rules/addresses/address.ts';
import { isE164 } from '../../core/rules/addresses/sip-uri.ts';
import type { DecodedFile } from '../decoded-set.ts';
import { checkNumber, quoted } from '../numbers/number.ts';
import type { Place } from '../problem.ts';
import type { SetContext } from './context.ts';

/** Yields regularly, see slices.ts. */
export function* buildLabels(
  context: SetContext,
  files: DecodedFile[],
): Generator<void, Map<string, string>> {
  const labels = new Map<string, string>();
  const places = new Map<string, Place>();
  for (const { routes, positions } of files) {
    const written = routes.numbers ?? {};
    for (const [text, label] of Object.entries(written)) {
      yield;
      const place = positions.atKey(written, text);
      const number = numberOf(context, text, place);
      if (number === null) continue;
      const before = places.get(number);
      if (before !== undefined) {
        context.problems.problem(
          place,
          `${quoted(text)} has a label already, in ${before.file}:${before.line}`,
          'a number can have only one label',
        );
        continue;
      }
      places.set(number, place);
      labels.set(number, label);
    }
  }
  return labels;
}

function numberOf(context: SetContext, text: string, place: Place): string | null {
  const check = checkNumber(text, context.country);
  if (check !== null) {
    const message = 'problem' in check ? check.problem : check.warning;
    context.problems.problem(place, message, check.hint);
    return null;
  }
  const { number } = readAddress(text);
  if (number !== null && isE164(number)) return number;
  context.problems.problem(
    place,
    `${quoted(text)} is not an E.164 number`,
    'a + and digits, such as "+14155550100"',
  );
  return null;
}
