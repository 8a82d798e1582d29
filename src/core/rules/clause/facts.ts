/** Clauses about what the webhook says of a call. */
import { compileGlob } from '../addresses/glob.ts';
import type { Check } from '../match.ts';
import { quote, type Subject } from '../subject.ts';
import { lasting, someOf } from './lasting.ts';

/** A fact that must be one of a few texts. */
export function oneOf(
  key: string,
  values: readonly string[],
  read: (subject: Subject) => string | null,
  unknown: (subject: Subject) => string,
): Check {
  const wanted = new Set(values);
  // Lists all of them: few words, except for countries, of which there are 245.
  const expected = values.length === 1 ? `is not ${values[0]}` : `is none of ${values.join(', ')}`;
  return lasting({
    holds(subject) {
      const got = read(subject);
      return got !== null && wanted.has(got);
    },
    failed(subject) {
      const got = read(subject);
      return got === null
        ? `${key}: ${unknown(subject)}, expected ${values.join(' or ')}`
        : `${key}: ${quote(got)} ${expected}`;
    },
    held: (subject) => `${key}: ${quote(read(subject))}`,
  });
}

export function directionClause(values: readonly string[]): Check {
  const check = oneOf(
    'direction',
    values,
    ({ facts }) => facts.direction,
    () => 'not known of this call',
  );
  return { ...check, someCall: () => (values.includes('incoming') ? 1 : -1) };
}

export function connectionClause(values: readonly string[]): Check {
  const check = oneOf(
    'connection_id',
    values,
    ({ facts }) => facts.connectionId,
    () => 'the call names none',
  );
  const someCall = (subject: Subject) =>
    subject.facts.connectionId === null ? 0 : check.holds(subject) ? 1 : -1;
  return { ...check, someCall };
}

export function whyNoCountry(subject: Subject): string {
  const from = quote(subject.facts.from);
  if (subject.facts.from === null) return 'the caller sent no number';
  if (subject.isAnonymous()) return `the caller (${from}) withholds the number`;
  if (subject.from.number === null) return `the caller ${from} has no number`;
  return `${from} is a number of no country`;
}

export function tagsClause(values: readonly string[]): Check {
  const find = (subject: Subject) => values.find((tag) => subject.facts.tags.includes(tag));
  return lasting({
    holds: (subject) => find(subject) !== undefined,
    failed: ({ facts }) =>
      facts.tags.length === 0
        ? `tags: the call has none, expected ${someOf(values)}`
        : `tags: ${quote(facts.tags.join(', '))} has none of ${someOf(values)}`,
    held: (subject) => `tags: has ${find(subject)}`,
  });
}

/** Without Telnyx's validation the level is only the caller's claim. */
export function attestationClause(values: readonly string[]): Check {
  return lasting({
    holds: ({ facts }) =>
      facts.attestationValidated &&
      facts.attestation !== null &&
      values.includes(facts.attestation),
    failed: ({ facts }) => {
      if (facts.attestation !== null && !facts.attestationValidated) {
        return `attestation: ${quote(facts.attestation)} was not validated, expected ${someOf(values)}`;
      }
      return facts.attestation === null
        ? `attestation: the call carries none, expected ${values.join(' or ')}`
        : `attestation: ${quote(facts.attestation)} is none of ${values.join(', ')}`;
    },
    held: ({ facts }) => `attestation: ${facts.attestation}, validated`,
  });
}

export function anonymousClause(wanted: boolean): Check {
  const words = (subject: Subject) => {
    if (subject.facts.from === null) return 'anonymous: the caller sent no number';
    const is = subject.isAnonymous() ? 'is' : 'is not';
    return `anonymous: the caller ${quote(subject.facts.from)} ${is} anonymous`;
  };
  return lasting({
    holds: (subject) => subject.isAnonymous() === wanted,
    failed: words,
    held: words,
  });
}

export function headerClause(name: string, values: readonly string[]): Check {
  const key = name.toLowerCase();
  const globs = values.map(compileGlob);
  const find = (subject: Subject) =>
    subject.header(key).find((value) => globs.some((glob) => glob.matches(value)));
  return lasting({
    holds: (subject) => find(subject) !== undefined,
    failed(subject) {
      const sent = subject.header(key);
      if (sent.length === 0) return `header ${name}: not sent, expected ${someOf(values)}`;
      const got = sent.map((value) => quote(value, 'an empty value')).join(', ');
      return `header ${name}: ${quote(got)} does not match ${someOf(values)}`;
    },
    held: (subject) =>
      `header ${name}: ${quote(find(subject) ?? null, 'an empty value')} matches ${someOf(values)}`,
  });
}
