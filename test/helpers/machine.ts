/**
 * Drives the pure machine: one call, a clock that the test moves, and everything that the machine
 * asked for.
 */
import type { Call } from '../../src/core/machine/call.ts';
import { readClientState } from '../../src/core/machine/client-state.ts';
import type { Command, Outcome } from '../../src/core/machine/command.ts';
import type { CallEvent, WebhookEvent } from '../../src/core/machine/event.ts';
import type { Notice } from '../../src/core/machine/notice.ts';
import type {
  Decision,
  MovingStep,
  OtherWay,
  ReferStep,
  Step,
  TransferStep,
} from '../../src/core/machine/plan.ts';
import {
  ALL_AWAKE,
  type Transition,
  transition,
  type World,
} from '../../src/core/machine/transition.ts';
import { noteAnswers } from '../../src/core/recording/answers.ts';
import type { RecordedEvent } from '../../src/core/recording/recorded-call.ts';
import { timelineEntry } from '../../src/engine/receiving/timeline.ts';
import type { TimelineEntry } from '../../src/store/contract/timeline.ts';

export const CALL = 'v3:call-under-test';

export function refer(target: string, more: Partial<ReferStep> = {}): ReferStep {
  return {
    do: 'refer',
    target,
    sipAddress: `sip:${target}@pbx.example.com`,
    timeoutMs: 30_000,
    userToUser: null,
    headers: [],
    auth: null,
    byeWithoutVerdict: 'unconfirmed',
    ifFailed: {},
    problem: null,
    sibling: false,
    ...more,
  };
}

/** A step as the alternative way of another step, which keeps the branches and the sibling. */
export function bare<S extends MovingStep>(step: S): Omit<S, 'ifFailed' | 'sibling' | 'otherWay'> {
  const { ifFailed: _, sibling: __, otherWay: ___, ...way } = step;
  return way;
}

export function byTransfer(target: string, more: Partial<TransferStep> = {}): OtherWay {
  return bare(transfer(`sip:${target}@pbx.example.com`, { target, ...more }));
}

export function transfer(to: string, more: Partial<TransferStep> = {}): TransferStep {
  return {
    do: 'transfer',
    to,
    target: null,
    from: null,
    timeoutMs: 20_000,
    userToUser: null,
    headers: [],
    auth: null,
    ifFailed: {},
    problem: null,
    sibling: false,
    ...more,
  };
}

export function say(text: string): Extract<Step, { do: 'say' }> {
  return { do: 'say', text, voice: 'Telnyx.KokoroTTS.af', language: null };
}

/** 1 leads to `sales`. */
export const SALES_MENU: Extract<Step, { do: 'menu' }> = {
  do: 'menu',
  text: 'For sales press 1.',
  voice: 'v',
  language: null,
  digits: { '1': [refer('sales')] },
  tries: 1,
  timeoutMs: 5_000,
};

export const LAST_RESORT: Step[] = [say('We cannot connect you.'), { do: 'hangup' }];

export function decision(plan: Step[] | null, more: Partial<Decision> = {}): Decision {
  return {
    rule: 'test',
    routeSet: 'hash',
    label: null,
    plan,
    lastResort: LAST_RESORT,
    policy: { patienceMs: 120_000, whileMoving: null, refersPerCall: 5, transfersPerCall: 2 },
    trace: [{ rule: 'test', matched: true, why: 'it matched' }],
    why: 'it matched',
    warnings: [],
    ...more,
  };
}

/** The envelope is decoded from client_state, like that of a real webhook. */
export function webhook(type: string, more: Partial<WebhookEvent> = {}): WebhookEvent {
  return {
    source: 'webhook',
    id: `${type}-1`,
    callId: CALL,
    type,
    receivedAt: 0,
    occurredAt: null,
    facts: {
      callId: CALL,
      sessionId: 'session',
      legId: 'leg',
      connectionId: '1684641123236054244',
      from: '+14155550101',
      to: '+14155550100',
      direction: type === 'call.initiated' ? 'incoming' : null,
      callerName: null,
      callerType: null,
      attestation: null,
      attestationValidated: false,
      headers: [],
      tags: [],
    },
    sipNotifyResponse: null,
    hangupCause: null,
    hangupSource: null,
    sipHangupCause: null,
    digits: null,
    status: null,
    deliveryAttempt: 1,
    ...more,
    ...readClientState(more.clientState ?? null),
  };
}

/** A webhook of this call; its event id depends only on its type. */
export function hookOf(callId: string, type: string, more: Partial<WebhookEvent> = {}) {
  const event = webhook(type, { id: `${type}-1`, callId, receivedAt: Date.now(), ...more });
  return { ...event, facts: { ...event.facts, callId, ...more.facts } };
}

export interface Driver {
  call: Call;
  now: number;
  /** When the last webhook of any call arrived; by default always a moment ago. */
  heardAt: number | null;
  commands: Command[];
  cancelled: string[];
  notices: Notice[];
  /** The events that changed the call, with what the machine asked for. */
  recorded: RecordedEvent[];
  readonly timeline: TimelineEntry[];
  /** Time from an event's arrival until it is processed. */
  waitsMs: number;
  overBudget: World['overBudget'];
  resting: World['resting'];
  refusesRefers: World['refusesRefers'];
  /** Applies an event and returns the transition. */
  put(event: CallEvent): Transition;
  hook(type: string, more?: Partial<WebhookEvent>): Transition;
  outcome(command: Command, outcome: Outcome, firstSentAt?: number): Transition;
  accept(command: Command): Transition;
  /** Fires the earliest deadline with this name (or of all), at its own time. */
  fall(name?: string): Transition;
  last(action: Command['action']): Command;
  count(action: Command['action']): number;
}

export const ACCEPTED: Outcome = { kind: 'accepted', status: 200, alive: null };
export const ALIVE: Outcome = { kind: 'accepted', status: 200, alive: true };
export const DEAD: Outcome = { kind: 'accepted', status: 200, alive: false };

export function rejected(code: string | null, more: Partial<Outcome> = {}): Outcome {
  return {
    kind: 'rejected',
    status: 422,
    code,
    detail: 'refused',
    callEnded: code === '90018',
    notAnswered: code === '90034',
    misconfigured: null,
    ...more,
  } as Outcome;
}

export function drive(
  decided: Decision | ((event: string, facts: Call['facts']) => Decision),
): Driver {
  let call: Call | null = null;
  let counter = 0;
  /** Only computed if a test asks for them. */
  const rows: (() => TimelineEntry)[] = [];
  const world = (): World => ({
    now: driver.now,
    heardAt: () => driver.heardAt,
    decide: (facts, moment) =>
      typeof decided === 'function' ? decided(moment.event, facts) : decided,
    overBudget: (kind, caller, freed) => driver.overBudget(kind, caller, freed),
    resting: (target) => driver.resting(target),
    refusesRefers: (connectionId, target) => driver.refusesRefers(connectionId, target),
  });
  const driver: Driver = {
    get call(): Call {
      if (call === null) throw new Error('no event yet');
      return call;
    },
    set call(next: Call) {
      call = next;
    },
    now: 1_000_000,
    heardAt: Number.MAX_SAFE_INTEGER,
    commands: [],
    cancelled: [],
    notices: [],
    recorded: [],
    get timeline() {
      return rows.map((row) => row());
    },
    waitsMs: 0,
    overBudget: () => null,
    ...ALL_AWAKE,
    put(event) {
      const received = { ...event, receivedAt: driver.now - driver.waitsMs };
      const { world: noting, answers } = noteAnswers(world(), {});
      const before = call;
      const out = transition(before, received, noting);
      if (out.refused === null) {
        const given = { event: received, now: driver.now, answers };
        driver.recorded.push({
          ...given,
          phase: out.call.phase,
          commands: out.commands.map(({ id }) => id),
        });
        rows.push(() => timelineEntry(received, before, out, given));
        // The stored call is JSON, so the machine must not depend on object identity or on
        // undefined.
        call = JSON.parse(JSON.stringify(out.call)) as Call;
        driver.commands.push(...out.commands);
        driver.cancelled.push(...out.cancel);
        driver.notices.push(...out.notices);
      }
      return out;
    },
    hook: (type, more) => driver.put(webhook(type, { id: `${type}-${counter++}`, ...more })),
    outcome: (command, outcome, firstSentAt = driver.now) =>
      driver.put({
        source: 'outcome',
        id: `outcome:${command.id}:${counter++}`,
        callId: CALL,
        type: `command.${outcome.kind}`,
        receivedAt: driver.now,
        occurredAt: null,
        commandId: command.id,
        legId: command.legId,
        action: command.action,
        outcome,
        firstSentAt,
      }),
    accept: (command) => driver.outcome(command, ACCEPTED),
    fall(name) {
      const due = [...driver.call.deadlines]
        .filter((deadline) => name === undefined || deadline.name === name)
        .sort((a, b) => a.dueAt - b.dueAt)[0];
      if (due === undefined) throw new Error(`no deadline ${name ?? ''} in ${driver.call.phase}`);
      driver.now = Math.max(driver.now, due.dueAt);
      return driver.put({
        source: 'deadline',
        id: `deadline:${CALL}:${due.name}:${due.n}`,
        callId: CALL,
        type: `deadline.${due.name}`,
        receivedAt: driver.now,
        occurredAt: null,
        name: due.name,
        n: due.n,
        putOff: false,
      });
    },
    last(action) {
      const found = driver.commands.findLast((command) => command.action === action);
      if (found === undefined) throw new Error(`no ${action} was issued`);
      return found;
    },
    count: (action) => driver.commands.filter((command) => command.action === action).length,
  };
  return driver;
}

/** An answered call whose first refer has been accepted and is in progress. */
export function referring(...steps: Parameters<typeof decision>[0] & object): Driver {
  const d = drive(decision(steps));
  d.hook('call.initiated');
  d.accept(d.last('answer'));
  d.hook('call.answered');
  d.accept(d.last('refer'));
  return d;
}

/** A policy whose `while_moving` speaks this text. */
export const looping = (text: string) => ({
  patienceMs: 120_000,
  whileMoving: say(text),
  refersPerCall: 5,
  transfersPerCall: 2,
});

export const stamp = (d: Driver) => ({ clientState: d.last('refer').clientState });
