/** An example in a route file: a call, how its targets answer, and the expected result. */
import type { CallFacts, Ends, Verdict } from '../../core/machine/call.ts';
import { noFacts } from '../../core/machine/new-call.ts';
import { partyOf } from '../../core/rules/addresses/address.ts';
import { type Overrides, withSwitches } from '../../core/rules/override.ts';
import type { RouteSet } from '../../core/rules/rule.ts';
import type { Positions } from '../decode/positions.ts';
import type { Place } from '../problem.ts';
import type { WrittenExample } from '../schema/example.ts';
import { isOnWord } from '../schema/schedule.ts';

export interface Example {
  name: string;
  place: Place;
  facts: CallFacts;
  /** Null: the time of the check. */
  atMs: number | null;
  /** Switches that operators have turned. */
  overrides: Overrides;
  /** By target, number or SIP URI; each further attempt takes the next one in the list. */
  verdicts: Record<string, Verdict[]>;
  digits: string[];
  hangupAfter: string | null;
  /** What each lookup answers; a lookup that is not listed gives no answer. */
  lookups: Record<string, Record<string, string>>;
  expect: {
    /** Null means `otherwise`; undefined means that the example does not check it. */
    rule?: string | null;
    attempts?: string[];
    ends?: Ends;
    path?: string[];
  };
}

export function buildExample(written: WrittenExample, positions: Positions): Example {
  const { call, expect } = written;
  const { digits: digitsInside, hangup_after: hangupInside, ...verdicts } = written.verdicts ?? {};
  const switches = Object.fromEntries(
    Object.entries(written.switches ?? {}).map(([name, on]) => [name, isOnWord(on)]),
  );
  const digits = written.digits ?? digitsInside ?? [];
  const facts = factsOf(call.from ?? null, call.to);
  return {
    name: written.name,
    place: positions.at(written),
    facts: {
      ...facts,
      sessionId: call.session ?? 'example',
      connectionId: call.connection_id ?? null,
      direction: call.direction ?? 'incoming',
      callerName: call.caller_name ?? null,
      callerType: call.caller_type ?? facts.callerType,
      attestation: call.attestation ?? null,
      attestationValidated: call.attestation !== undefined,
      headers: Object.entries({ ...call.header, ...call.headers }).map(([name, value]) => ({
        name,
        value,
      })),
      tags: call.tags === undefined ? [] : [call.tags].flat(),
    },
    atMs: call.at === undefined ? null : Date.parse(call.at),
    overrides: withSwitches({}, switches),
    verdicts: Object.fromEntries(
      Object.entries(verdicts).map(([name, value]) => [name, [value].flat() as Verdict[]]),
    ),
    digits: [digits].flat(),
    hangupAfter: written.hangup_after ?? (hangupInside === undefined ? null : String(hangupInside)),
    lookups: written.lookups ?? {},
    expect: {
      ...(expect.rule === undefined
        ? {}
        : { rule: expect.rule === 'otherwise' ? null : expect.rule }),
      ...(expect.attempts === undefined ? {} : { attempts: expect.attempts }),
      ...(expect.ends === undefined ? {} : { ends: expect.ends }),
      ...(expect.path === undefined ? {} : { path: expect.path }),
    },
  };
}

/** An incoming call of which only the two parties are known, parsed as in a webhook. */
export function factsOf(from: string | null, to: string | null): CallFacts {
  return {
    ...noFacts('example'),
    sessionId: 'example',
    from: partyOf(from),
    to: partyOf(to),
    direction: 'incoming',
    // Unless somebody says otherwise, a caller with a SIP address does not come from the PSTN.
    callerType: from?.includes('@') ? 'sip' : 'pstn',
  };
}

/** The first of these that is no target of the routes, and no number or SIP URI either. */
export function unknownTarget(
  names: string[],
  { targets }: Pick<RouteSet, 'targets'>,
): string | undefined {
  return names.find((name) => name !== '' && !targets.has(name) && !/^(\+|sips?:)/i.test(name));
}
