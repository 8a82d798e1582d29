/** Builds the core's `policy`, with its defaults. */
import { type CountryCode, isSupportedCountry } from 'libphonenumber-js/min';
import type { Budget, Policy } from '../../core/rules/rule.ts';
import { isZone } from '../../core/rules/schedules/zone.ts';
import { parseAllow } from '../../core/rules/targets/allow.ts';
import { textsOf } from '../../core/rules/texts/language.ts';
import { placeholderText } from '../../core/rules/texts/placeholder.ts';
import { durationOf, type SetContext } from '../building/context.ts';
import { PATIENCE_BOUNDS } from '../building/duration.ts';
import type { Positions } from '../decode/positions.ts';
import type { DecodedFile } from '../decoded-set.ts';
import { inAscii } from '../look-alikes.ts';
import { hasTrunkPrefix, rightForm, withoutTrunkZero } from '../numbers/e164.ts';
import { meantUri, quoted } from '../numbers/number.ts';
import { zoneHint } from '../schedules/zone-names.ts';
import { isOnWord } from '../schema/schedule.ts';
import type { WrittenPolicy } from '../schema/schema.ts';
import { wordsOf } from '../steps/prompts.ts';
import { checkPlayUrl } from '../targets/destinations.ts';
import { waysOf } from '../targets/via.ts';

export const DEFAULT_POLICY: Policy = {
  voice: 'Telnyx.KokoroTTS.af',
  language: null,
  patienceMs: 120_000,
  whileMoving: null,
  allow: [],
  refers: { perCall: null, perHour: null, perCallerPerHour: null },
  transfers: { perCall: null, perHour: null, perCallerPerHour: null },
  via: { pstn: null, sip: null },
  rest: true,
};

/**
 * Must be built first: it also fills `context.allow`, against which steps and targets are checked.
 */
export function buildPolicy(
  context: SetContext,
  written: WrittenPolicy,
  positions: Positions,
): Policy {
  const allow: string[] = [];
  for (const [index, text] of (written.allow ?? []).entries()) {
    const pattern = parseAllow(text);
    if ('problem' in pattern) {
      const at = positions.at(written.allow ?? [], index);
      const hint = allowHint(text) || 'for example "sip:*@*.example.com" or "+1*"';
      context.problems.problem(at, pattern.problem, hint);
      context.uncertain.add('allow');
      continue;
    }
    if (hasTrunkPrefix(text)) {
      context.problems.problem(
        positions.at(written.allow ?? [], index),
        `${quoted(text)} contains the trunk prefix that is only dialled within the country`,
        allowHint(text),
      );
    }
    const without = withoutTrunkZero(text);
    if (without !== null) {
      context.problems.warning(
        positions.at(written.allow ?? [], index),
        `${quoted(text)} continues with a 0 that is only dialled within the country`,
        `write ${quoted(without)}`,
      );
    }
    allow.push(text);
    context.allow.push(pattern);
  }
  if (written.zone !== undefined && !isZone(written.zone)) {
    const problem = `unknown time zone ${quoted(written.zone)}`;
    context.problems.problem(positions.at(written, 'zone'), problem, zoneHint(written.zone));
  }
  const moving = written.while_moving;
  if (moving !== undefined && 'play' in moving) {
    checkPlayUrl(context, moving.play, positions.at(moving, 'play'));
  }
  const country = countryOf(context, written, positions);
  return {
    ...(country === null ? {} : { country }),
    voice: written.voice ?? DEFAULT_POLICY.voice,
    language: written.language ?? null,
    patienceMs: durationOf(
      context,
      written,
      'patience',
      PATIENCE_BOUNDS,
      DEFAULT_POLICY.patienceMs,
      positions,
    ),
    whileMoving: moving === undefined ? null : whileMoving(context, moving, positions),
    allow,
    refers: budget(context, written.refers, positions),
    transfers: budget(context, written.transfers, positions),
    via: viaOf(context, written.via ?? {}, positions),
    rest: written.rest === undefined || isOnWord(written.rest),
  };
}

function countryOf(
  context: SetContext,
  written: WrittenPolicy,
  positions: Positions,
): CountryCode | null {
  const { country } = written;
  if (country === undefined) return null;
  if (isSupportedCountry(country)) return country;
  const upper = country.toUpperCase();
  context.problems.problem(
    positions.at(written, 'country'),
    `unknown country ${quoted(country)}`,
    isSupportedCountry(upper) ? `write ${upper}` : 'an ISO code of two letters, such as DE or US',
  );
  return null;
}

function viaOf(
  context: SetContext,
  written: NonNullable<WrittenPolicy['via']>,
  positions: Positions,
): Policy['via'] {
  return {
    pstn: waysOf(context, written.pstn, positions),
    sip: waysOf(context, written.sip, positions),
  };
}

/** The policy's country, before the policy is built; null if there is none, or an unknown one. */
export function policyCountry(files: readonly DecodedFile[]): CountryCode | null {
  const countries = files.flatMap(({ routes }) => routes.policy?.country ?? []);
  return countries.find((country) => isSupportedCountry(country)) ?? null;
}

/** The policy's time zone for dates in rules; undefined if there is none, or an unknown one. */
export function policyZone(files: readonly DecodedFile[]): string | undefined {
  const zones = files.flatMap(({ routes }) => routes.policy?.zone ?? []);
  return zones.find(isZone);
}

function whileMoving(
  context: SetContext,
  written: NonNullable<WrittenPolicy['while_moving']>,
  positions: Positions,
): Policy['whileMoving'] {
  if ('play' in written) return { play: written.play };
  const at = positions.at(written, 'say');
  const say = wordsOf(context, written.say, positions, at);
  for (const piece of textsOf(say, context.prompts).flat()) {
    if ('place' in piece && piece.place === 'row') {
      const message = `${placeholderText(piece)} needs the row of a table, but while_moving applies to every call`;
      context.problems.problem(at, message, 'say it in the rule, before its refer');
    }
  }
  return { say };
}

function allowHint(text: string): string {
  const forms = [rightForm(text), meantUri(text), inAscii(text).trim()];
  const taken = (form: string) => form !== text && !('problem' in parseAllow(form));
  const meant = forms.find((form) => form !== null && taken(form));
  return typeof meant === 'string' ? `write ${quoted(meant)}` : '';
}

/** From the narrowest to the widest: a narrower one that is larger is never reached. */
const BUDGETS = ['per_call', 'per_caller_per_hour', 'per_hour'] as const;

function budget(
  { problems }: SetContext,
  written: WrittenPolicy['refers'],
  positions: Positions,
): Budget {
  for (const [index, key] of BUDGETS.entries()) {
    const value = written?.[key] ?? 0;
    const wider = BUDGETS.slice(index + 1).find((each) => (written?.[each] ?? value) < value);
    if (written === undefined || wider === undefined) continue;
    problems.warning(
      positions.at(written, key),
      `${key}: ${value} is never reached: ${wider} is ${written[wider]}`,
      'lower it, or raise the other',
    );
  }
  return {
    perCall: written?.per_call ?? null,
    perHour: written?.per_hour ?? null,
    perCallerPerHour: written?.per_caller_per_hour ?? null,
  };
}
