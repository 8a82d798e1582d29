/** Checks whether the account can do what the rules need: see attestation, and place transfers. */

import { parsePhoneNumberFromString } from 'libphonenumber-js/min';
import { counted } from '../counted.ts';
import type { Application, VoiceProfile } from './account.ts';
import { type Finding, forEachApplication, found, type Seen, unread } from './finding.ts';
import type { RouteFacts } from './route-facts.ts';

/** A daily spend limit this low may be used up by one busy hour. */
const DAILY_SPEND_LOW = 10;
const CONCURRENT_CALLS_LOW = 10;
const PROFILES = 'in the Telnyx portal under Voice, Outbound Voice Profiles';

export function attestation(seen: Seen): Finding[] {
  if (seen.routes === null) return [noRoutes('attestation')];
  const rule = seen.routes.attestationRule;
  if (rule === null) return [found('attestation', 'ok', 'No rule has a condition on attestation.')];
  return forEachApplication('attestation', seen, ({ id, name, shakenStir }) => {
    if (shakenStir) return found('attestation', 'ok', `"${name}" passes it on.`, null, id);
    return found(
      'attestation',
      'problem',
      `The rule "${rule}" has a condition on attestation, but "${name}" does not pass SHAKEN/STIR on: no call has one.`,
      'Enable SHAKEN/STIR on inbound calls of the application in the Telnyx portal.',
      id,
    );
  });
}

export function transfer(seen: Seen): Finding[] {
  const { routes } = seen;
  if (routes === null) return [noRoutes('transfer')];
  if (routes.transfers.size === 0) {
    return [found('transfer', 'ok', 'No step transfers to a number.')];
  }
  return forEachApplication('transfer', seen, (own) => ofApplication(own, routes, seen));
}

function ofApplication(own: Application, routes: RouteFacts, seen: Seen): Finding | Finding[] {
  const { id, name, profileId } = own;
  const [number, rule] = [...routes.transfers][0] ?? ['', ''];
  const wanted = `The rule "${rule}" transfers to ${number}`;
  if (profileId === null) {
    const message = `${wanted}, but "${name}" has no outbound voice profile: Telnyx refuses it.`;
    const fix = 'Choose an outbound voice profile for the application in the Telnyx portal.';
    return found('transfer', 'problem', message, fix, id);
  }
  const reading = seen.account.profiles.get(profileId);
  if (reading === undefined || reading.end !== 'value') {
    const unknown = reading ?? { end: 'unreachable' as const, why: 'it was not asked for' };
    return unread('transfer', `the outbound voice profile ${profileId}`, unknown, id);
  }
  const profile = reading.value;
  if (!profile.enabled) {
    const message = `${wanted}, but the outbound voice profile "${profile.name}" of "${name}" is not enabled.`;
    return found('transfer', 'problem', message, `Enable it ${PROFILES}.`, id);
  }
  const findings = [...forbidden(profile, routes), ...low(profile)].map((finding) => ({
    ...finding,
    about: id,
  }));
  if (findings.length > 0) return findings;
  return found('transfer', 'ok', `"${profile.name}" allows what the rules transfer to.`, null, id);
}

/** One finding for each country: a rule set may name a hundred numbers in one. */
function forbidden({ name, destinations }: VoiceProfile, routes: RouteFacts): Finding[] {
  if (destinations === null) return [];
  const seen = new Set<string>();
  return [...routes.transfers].flatMap(([number, rule]) => {
    const country = parsePhoneNumberFromString(number)?.country;
    // A number without a country, such as +800: the list of countries says nothing about it.
    if (country === undefined || destinations.includes(country) || seen.has(country)) return [];
    seen.add(country);
    return [
      found(
        'transfer',
        'problem',
        `The rule "${rule}" transfers to ${number}, but the outbound voice profile "${name}" does not allow ${country}.`,
        `Add ${country} to its allowed destinations ${PROFILES}.`,
      ),
    ];
  });
}

function low({ name, dailySpendLimit, concurrentCallLimit }: VoiceProfile): Finding[] {
  const findings: Finding[] = [];
  if (dailySpendLimit !== null && Number(dailySpendLimit) < DAILY_SPEND_LOW) {
    const message = `The outbound voice profile "${name}" stops transfers after ${dailySpendLimit} a day.`;
    findings.push(
      found('transfer', 'warning', message, `Raise its daily spend limit ${PROFILES}.`),
    );
  }
  if (concurrentCallLimit !== null && concurrentCallLimit < CONCURRENT_CALLS_LOW) {
    const message = `The outbound voice profile "${name}" allows ${counted(concurrentCallLimit, 'call')} at a time.`;
    findings.push(
      found('transfer', 'warning', message, `Raise its concurrent call limit ${PROFILES}.`),
    );
  }
  return findings;
}

function noRoutes(check: 'attestation' | 'transfer'): Finding {
  return found(check, 'unknown', 'The routes could not be loaded.', 'Run referee check.');
}
