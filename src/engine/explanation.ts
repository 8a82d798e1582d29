/** What a set would do with a call that somebody asks about; the same as `referee route` plays. */
import { type Script, simulate } from '../core/dry-run/simulate.ts';
import type { TraceLine } from '../core/machine/plan.ts';
import { withoutUserParameters } from '../core/rules/address.ts';
import type { CompiledRoutes } from '../core/rules/decide.ts';
import { type Overrides, withSwitches } from '../core/rules/override.ts';
import { askedNumber } from '../routing/national.ts';

export interface ExplainQuestion {
  from: string | null;
  to: string | null;
  direction: 'incoming' | 'outgoing';
  headers: { name: string; value: string }[];
  /** Milliseconds since the epoch. */
  at: number;
  /** Scripted verdicts by target; several for repeated attempts. */
  verdicts: Record<string, string[]>;
  digits: string | null;
  /** As if these were on or off. */
  switches?: Record<string, boolean>;
  /** What lookups answer, by name; no request is sent. */
  lookups: Record<string, Record<string, string>>;
}

/** The same as `referee route --json` prints. */
export interface Explanation {
  rule: string | null;
  path: string[];
  attempts: { target: string | null; sip_address: string; verdict: string }[];
  ends: string | null;
  trace: TraceLine[];
}

export function explain(
  routes: CompiledRoutes,
  question: ExplainQuestion,
  forced: Overrides,
): Explanation {
  const { country } = routes.set.policy;
  const meant = (party: string | null) => (party === null ? null : askedNumber(party, country));
  const { from, to } = question;
  const { rule, path, attempts, ends, trace } = simulate(routes, {
    ...scriptOf({ ...question, from: meant(from), to: meant(to) }),
    overrides: withSwitches(forced, question.switches ?? {}),
  });
  return { rule, path, attempts, ends, trace };
}

function scriptOf(question: ExplainQuestion): Script {
  const { from, to, direction, headers, at, verdicts, digits, lookups } = question;
  return {
    facts: {
      callId: 'explain',
      sessionId: 'explain',
      legId: null,
      connectionId: null,
      from: withoutUserParameters(from),
      to: withoutUserParameters(to),
      direction,
      callerName: null,
      callerType: from?.includes('@') ? 'sip' : 'pstn',
      attestation: null,
      attestationValidated: false,
      headers,
      tags: [],
    },
    at,
    verdicts: verdicts as Script['verdicts'],
    digits: digits === null ? [] : [digits],
    hangupAfter: null,
    lookups,
    unscripted: 'completed',
    fullTrace: true,
  };
}
