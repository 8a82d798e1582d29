/**
 * Scripted calls with their expected ends. The demo plays all of them, and `simulator --script` one
 * by name. They use the targets of SCRIPT_ROUTES.
 */
import type { CallScript } from './script.ts';

interface ExpectedEnd {
  /** The call's `ends`, as the service reports it. */
  ends: 'referred' | 'transferred' | 'rejected' | 'hung_up' | 'abandoned' | 'unconfirmed';
  /** The name of the matched rule; null for `otherwise`. */
  rule: string | null;
  attempts: { target: string | null; verdict: string }[];
  /** The expected fate in the simulator's books. */
  fate: 'moved' | 'released' | 'left';
}

export interface PlayedCall {
  name: string;
  /** One line that describes the call. */
  title: string;
  script: CallScript;
  expect: ExpectedEnd;
}

const SUPPORT = '+14155550100';
const DESK = '+14155550120';
const OFFICE = '+14155550130';
const MENU = '+14155550111';
const NOBODY = '+14155559999';

/** The numbers that SCRIPT_ROUTES has rules for, which the account must have. */
export const SCRIPT_NUMBERS = [SUPPORT, DESK, OFFICE, MENU];

/** Short limits, so that a demo shows in seconds what takes half a minute on a real line. */
export const SCRIPT_ROUTES = `targets:
  support-us: { sip: "sip:support@pbx-us.example.com", timeout: 5s }
  support-eu: { sip: "sip:support-eu@pbx-eu.example.com", timeout: 5s }
  night-desk: { sip: "sip:desk@pbx-old.example.com", timeout: 2s }
policy: { via: { pstn: refer } }
rules:
  - name: support
    when: { to: "${SUPPORT}" }
    do:
      - refer: support-us
      - refer: support-eu
      - say: "Sorry, nobody can take your call right now."
      - hangup
  - name: night desk
    when: { to: "${DESK}" }
    do:
      - refer: night-desk
      - refer: support-eu
  - name: office
    when: { to: "${OFFICE}" }
    do:
      - transfer: "+14155550199"
  - name: menu
    when: { to: "${MENU}" }
    do:
      - menu: { say: "For sales press 1, for support press 2.", digits: { "1": [ { refer: support-eu } ], "2": [ { refer: support-us } ] }, tries: 2, timeout: 8s }
      - refer: support-us
otherwise: [ { reject: declined } ]
`;

const US_COMPLETED = { target: 'support-us', verdict: 'completed' };
const EU_COMPLETED = { target: 'support-eu', verdict: 'completed' };

export const SCRIPTS: readonly PlayedCall[] = [
  {
    name: 'straight-through',
    title: 'the first target takes the call',
    script: {
      from: '+14155550201',
      to: SUPPORT,
      refers: { result: 'completed', progress: [100, 180], ringMs: 900 },
    },
    expect: { ends: 'referred', rule: 'support', attempts: [US_COMPLETED], fate: 'moved' },
  },
  {
    name: 'busy-then-next',
    title: 'the first target is busy, the second takes the call',
    script: {
      from: '+353861234502',
      to: SUPPORT,
      refers: { support: 'busy', 'support-eu': { result: 'completed', ringMs: 900 } },
    },
    expect: {
      ends: 'referred',
      rule: 'support',
      attempts: [{ target: 'support-us', verdict: 'busy' }, EU_COMPLETED],
      fate: 'moved',
    },
  },
  {
    name: 'declined-by-all',
    title: 'everybody declines: an apology, then goodbye',
    script: { from: '+14155550203', to: SUPPORT, refers: 'declined', speakMs: 1_000 },
    expect: {
      ends: 'hung_up',
      rule: 'support',
      attempts: [
        { target: 'support-us', verdict: 'declined' },
        { target: 'support-eu', verdict: 'declined' },
      ],
      fate: 'released',
    },
  },
  {
    name: 'no-notify',
    title: 'the old desk accepts and never says another word',
    script: {
      from: '+14155550204',
      to: DESK,
      refers: { desk: 'silent', '*': { result: 'completed', ringMs: 600 } },
    },
    expect: {
      ends: 'referred',
      rule: 'night desk',
      attempts: [{ target: 'night-desk', verdict: 'no_verdict' }, EU_COMPLETED],
      fate: 'moved',
    },
  },
  {
    name: 'caller-leaves',
    title: 'the caller hangs up while the first target is tried',
    script: {
      from: '+14155550205',
      to: SUPPORT,
      refers: { result: 'completed', ringMs: 4_500 },
      callerHangup: { when: 'refer_rings', afterMs: 1_200 },
      lateFinal: true,
    },
    expect: {
      ends: 'abandoned',
      rule: 'support',
      attempts: [{ target: 'support-us', verdict: 'abandoned' }],
      fate: 'left',
    },
  },
  {
    name: 'hangup-before-completed',
    title: 'the hangup overtakes the good news',
    script: {
      from: '+14155550206',
      to: SUPPORT,
      refers: { result: 'completed', hangup: 'before', hangupGapMs: 800 },
    },
    expect: { ends: 'referred', rule: 'support', attempts: [US_COMPLETED], fate: 'moved' },
  },
  {
    name: 'doubled-and-shuffled',
    title: 'every webhook twice, and those of the REFER in reverse order',
    script: {
      from: '+14155550207',
      to: SUPPORT,
      refers: { result: 'completed', progress: [100, 180] },
      copies: 2,
      faults: [
        { at: 'call.refer.started', kind: 'webhook_delayed', ms: 1_500 },
        { at: 'call.refer.completed', kind: 'webhook_delayed', ms: 700 },
      ],
    },
    expect: { ends: 'referred', rule: 'support', attempts: [US_COMPLETED], fate: 'moved' },
  },
  {
    name: 'nobodys-rule',
    title: 'a number that no rule knows is declined',
    script: { from: '+14155550208', to: NOBODY },
    expect: { ends: 'rejected', rule: null, attempts: [], fate: 'released' },
  },
  {
    name: 'transfer',
    title: 'bridged to a number, a short talk, goodbye',
    script: { from: '+14155550209', to: OFFICE, transfers: { result: 'completed', talkMs: 1_500 } },
    expect: {
      ends: 'transferred',
      rule: 'office',
      attempts: [{ target: null, verdict: 'completed' }],
      fate: 'moved',
    },
  },
  {
    name: 'menu',
    title: 'a wrong key, then 2 for support',
    script: { from: '+14155550210', to: MENU, digits: ['9', '2'], speakMs: 800 },
    expect: { ends: 'referred', rule: 'menu', attempts: [US_COMPLETED], fate: 'moved' },
  },
  {
    name: 'answered-in-silence',
    title: 'the phone is picked up and nobody tells us: unconfirmed, not guessed',
    script: { from: '+14155550211', to: SUPPORT, refers: 'bye' },
    expect: {
      ends: 'unconfirmed',
      rule: 'support',
      attempts: [{ target: 'support-us', verdict: 'no_verdict' }],
      fate: 'moved',
    },
  },
];

export function scriptNamed(name: string): PlayedCall | undefined {
  return SCRIPTS.find((played) => played.name === name);
}
