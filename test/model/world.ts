/**
 * A small world around the machine, as a value: one caller and their B-legs, the stored call with
 * its outbox, two processes that send, the wire with its webhooks, and Telnyx with the moves that
 * it executes. `actionsOf` lists what may happen next and `apply` applies one action; neither
 * modifies a state.
 *
 * Time only advances to the next time at which something is due. If something is still in progress
 * then, it costs a fault: a lost or late webhook, a lost answer, a process that dies.
 */
import type { Attempt, Call } from '../../src/core/machine/call.ts';
import { decodeEnvelope } from '../../src/core/machine/client-state.ts';
import type { Command, LookupRequest, Outcome } from '../../src/core/machine/command.ts';
import type { CallEvent, WebhookEvent } from '../../src/core/machine/event.ts';
import { SAME_COMMAND_MS, UNKNOWN_LEFT_MS_MIN } from '../../src/core/machine/limits.ts';
import { whyNotMovable } from '../../src/core/machine/movable.ts';
import { whyNoNext } from '../../src/core/machine/on-operator.ts';
import type { Decision, Moment, Step as PlanStep, ReferStep } from '../../src/core/machine/plan.ts';
import { ALL_AWAKE, transition } from '../../src/core/machine/transition.ts';
import { isVoice } from '../../src/core/machine/voice.ts';
import {
  asRepetition,
  maySend,
  sentSince,
  settlementOf,
} from '../../src/engine/sending/sending.ts';
import { CALL, webhook } from '../helpers/machine.ts';
import { invariantsOf } from './invariants.ts';

/** What Telnyx's documentation leaves open. The invariants must hold for every combination. */
export interface Unknowns {
  /** Repeating the command_id of an executed command is answered 422, not 200. */
  refusesRepetitions: boolean;
  /** The leg ends together with a REFER that failed. */
  legDiesWithRefer: boolean;
  /** The far end hangs the leg up once the REFER completed. */
  hangsUpAfterCompleted: boolean;
  /** A REFER before the answer is refused with 90034; otherwise it is executed. */
  refusesUnanswered: boolean;
  /** A 180 after a 100 makes a second call.refer.started. */
  startsTwice: boolean;
  /** A REFER that the far end refuses at once causes no event at all. */
  refusesSilently: boolean;
  /** A REFER that nobody answers is reported as failed with 408 after 32 s. */
  reportsSilence: boolean;
  /** The client_state on call.refer.*: the REFER's own, the leg's current one, or none. */
  envelope: 'own' | 'leg' | 'none';
  /** GET /calls/{id} shows the leg's current client_state. */
  probeShowsState: boolean;
  /** No webhook of any other call reaches us, so silence proves nothing. */
  alone: boolean;
  /** A request that changes nothing did not reach Telnyx; otherwise it is refused with 429. */
  unreached: boolean;
}

export interface Setting {
  name: string;
  decided: Decision;
  /** A lookup before the decision, and the decision if it is answered; null: no lookup. */
  lookup: { request: LookupRequest; answered: Decision } | null;
  unknowns: Unknowns;
  /** A manual refer that an operator may request once, at any time; null: none. */
  manual: ReferStep | null;
  /** How often, one after the other. */
  manuals: number;
  /** Another action that an operator may take once, at any time; null: none. */
  act: 'hangup' | 'next' | null;
  more: More;
}

/**
 * What only drawn settings have. Every further thing that may happen makes all others rarer, so the
 * plans of plans.ts do without.
 */
export interface More {
  /** The network to Telnyx may be away for a while: no command reaches it, but webhooks come. */
  outages: boolean;
  /** Recovery may find webhooks and sees the living leg. */
  recovery: boolean;
  /** The key that the caller presses in a menu; empty: none. */
  presses: string;
  /** What a rule does when the caller presses a key in a call that no plan runs; null: nothing. */
  later: PlanStep[] | null;
  /** Targets that rest. */
  resting: string[];
  /** Kinds of moves for which there is no budget left. */
  spent: ('refer' | 'transfer')[];
}

/** A command in the outbox, as the store keeps it. */
export interface Row {
  command: Command;
  tries: number;
  firstSentAt: number | null;
  readyAt: number;
  createdAt: number;
  /** Until when the process that claimed it holds the lease. */
  leaseUntil: number | null;
  cancelled: boolean;
}

/** A request on its way to Telnyx, and its answer on the way back. */
export interface Sending {
  command: Command;
  tries: number;
  firstSentAt: number;
  sentAt: number;
  leaseUntil: number;
  createdAt: number;
  /** Null until Telnyx has handled it. */
  answer: Outcome | null;
  /** The state of its process. Unless it `waits`, nothing waits for the answer at the moment. */
  process: 'waits' | 'stands still' | 'died';
  /**
   * Attempts that we knew were ringing when it was sent, and whether we knew of an executed move.
   */
  knownToRing: string[];
  knewOfMove: boolean;
  /** B-legs of which we knew that they had answered. */
  knownToTalk: string[];
  /** An operator takes the caller out of a conversation. */
  leavesTalk: boolean;
}

export interface OnTheWire {
  event: WebhookEvent;
  /** The attempt that it is about, whatever its client_state says. */
  about: string | null;
  late: boolean;
}

export interface OpenRefer {
  id: string;
  executedAt: number;
  /** Until when the attempt may last, counted from its first request. */
  hasUntil: number;
  rings: boolean;
  /** A webhook reported that it rings. */
  known: boolean;
}

export interface OpenBLeg {
  id: string;
  attemptId: string;
  clientState: string;
  executedAt: number;
  endsAt: number | null;
  answeredAt: number | null;
  /** Connected with the caller, which follows its answer at once. */
  bridged: boolean;
  /** A webhook reported it. */
  known: boolean;
  /** A webhook reported that it answered. */
  answerKnown: boolean;
}

export interface State {
  now: number;
  call: Call | null;
  outbox: Row[];
  requests: Sending[];
  wire: OnTheWire[];
  leg: { alive: boolean; answered: boolean; clientState: string | null };
  /** Ids of the commands that Telnyx has executed. */
  executed: { id: string; at: number }[];
  refers: OpenRefer[];
  bLegs: OpenBLeg[];
  /** B-legs that our hangup ended before they were bridged, and whether we have heard of that. */
  hungUp: { id: string; known: boolean }[];
  /** Attempts by which the caller was moved. */
  moves: string[];
  /** A webhook reported one. */
  moveKnown: boolean;
  /** The lookup command that reached the operator's server; null: none. */
  asked: string | null;
  faults: number;
  /** Until then no command reaches Telnyx. */
  awayUntil: number;
  /** When that began; meanwhile no webhook of any call arrives. */
  awayAt: number;
  manualsLeft: number;
  /** How often the caller may still press a key outside a menu. */
  keysLeft: number;
  actLeft: boolean;
  /** A case happened that cannot be distinguished in principle; see ACCEPTED in invariants.ts. */
  accepted: boolean;
  emitted: number;
}

export interface Step {
  state: State;
  violations: string[];
  /** Names of situations that occurred, for the list of those that must occur. */
  happened: string[];
}

/** An action has a name by which it is found again in a shortened story. */
export interface Action {
  name: string;
  run(scene: Scene): void;
}

const LEASE_MS = 10_000;
const REQUEST_MS = 5_000;
const TIMER_F_MS = 32_000;
/** Shorter than a prompt may be sent, longer than that, and longer than most steps. */
const OUTAGES_MS = [8_000, 25_000, 70_000];

export function firstState(setting: Setting, faults: number): State {
  const state: State = {
    now: 1_000_000,
    call: null,
    outbox: [],
    requests: [],
    wire: [],
    leg: { alive: true, answered: false, clientState: null },
    executed: [],
    refers: [],
    bLegs: [],
    hungUp: [],
    moves: [],
    moveKnown: false,
    asked: null,
    faults,
    awayUntil: 0,
    awayAt: 0,
    manualsLeft: setting.manual === null ? 0 : setting.manuals,
    keysLeft: setting.more.later === null ? 0 : 2,
    actLeft: setting.act !== null,
    accepted: false,
    emitted: 0,
  };
  const scene = new Scene(state, setting);
  scene.emit('call.initiated');
  return scene.state;
}

export function apply(state: State, action: Action, setting: Setting): Step {
  const scene = new Scene({ ...state }, setting);
  action.run(scene);
  scene.violations.push(...invariantsOf(scene.state));
  return { state: scene.state, violations: scene.violations, happened: scene.happened };
}

/** What kinds of things may happen; `everyday` are those that happen by themselves. */
export type Kind = 'everyday' | 'far end' | 'caller' | 'fault' | 'operator';
const KINDS: Kind[] = ['everyday', 'far end', 'caller', 'fault', 'operator'];

/** Everything that may happen now. The first action of each state is the usual one. */
export function actionsOf(state: State, setting: Setting): Action[] {
  return KINDS.flatMap((kind) => actionsOfKind(state, setting, kind));
}

export function actionsOfKind(state: State, setting: Setting, kind: Kind): Action[] {
  switch (kind) {
    case 'everyday':
      return everyday(state);
    case 'far end':
      return farEnd(state, setting);
    case 'caller':
      return state.leg.alive ? [leaves] : [];
    case 'fault':
      return state.faults > 0 ? faults(state, setting) : [];
    case 'operator':
      return [
        ...(state.manualsLeft > 0 && isMovable(state.call) ? [manual] : []),
        ...(state.actLeft && mayAct(state, setting) ? [act] : []),
      ];
    default:
      return kind satisfies never;
  }
}

function isMovable(call: Call | null): boolean {
  return call !== null && whyNotMovable(call) === null;
}

function mayAct({ call, now }: State, { act }: Setting): boolean {
  if (call === null || call.phase === 'ended') return false;
  return act === 'hangup' || whyNoNext(call, now) === null;
}

/** What is late, or waits in a process that stands still, comes last: usually time passes first. */
function everyday(state: State): Action[] {
  const { now, outbox, wire, call, bLegs } = state;
  const actions: Action[] = [];
  const late: Action[] = [];
  requested(state, actions, late);
  for (const row of outbox) {
    if (!isReady(row, now)) continue;
    actions.push(
      named(
        () => `send ${nameOf(state, row.command)}`,
        (s) => s.send(row),
      ),
    );
  }
  for (const item of unlike(wire)) {
    (item.late ? late : actions).push(
      named(
        () => `deliver ${wireName(state, item)}`,
        (s) => s.deliver(item),
      ),
    );
  }
  for (const { id, attemptId, answeredAt, bridged } of bLegs) {
    if (answeredAt === null || bridged) continue;
    const name = `the B-leg of ${ordinal(state, attemptId)} is bridged`;
    actions.push({ name, run: (s) => s.bridges(id) });
  }
  const due = call?.deadlines.filter(({ dueAt }) => dueAt <= now) ?? [];
  for (const { name, n } of due) {
    actions.push({ name: `deadline ${name}`, run: (s) => s.deadline(name, n, false) });
  }
  if (due.length === 0 && isQuiet(state) && nextMoment(state) !== null) {
    actions.push({ name: 'time passes', run: (s) => s.pass() });
  }
  return [...actions, ...late];
}

function requested(state: State, actions: Action[], late: Action[]): void {
  for (const sending of state.requests) {
    const { command, answer, process } = sending;
    if (answer === null) {
      actions.push(
        named(
          () => `Telnyx takes ${nameOf(state, command)}`,
          (s) => s.execute(sending),
        ),
      );
    } else if (process !== 'died') {
      (process === 'waits' ? actions : late).push(
        named(
          () => `the answer to ${nameOf(state, command)} arrives`,
          (s) => s.answered(sending, answer),
        ),
      );
    }
  }
}

/** The name is made when it is asked for, because most actions are never chosen. */
function named(name: () => string, run: Action['run']): Action {
  return {
    get name() {
      return name();
    },
    run,
  };
}

/** Of webhooks that differ only by id, only one needs to be tried. */
function unlike(wire: OnTheWire[]): OnTheWire[] {
  if (wire.length < 2) return wire;
  const names = new Set<string>();
  return wire.filter(({ event, about, late }) => {
    const name = `${event.callId} ${event.type} ${event.sipNotifyResponse} ${about} ${late}`;
    return !names.has(name) && names.add(name);
  });
}

function isReady({ readyAt, leaseUntil, cancelled }: Row, now: number): boolean {
  if (leaseUntil !== null) return leaseUntil <= now && !cancelled;
  return readyAt <= now;
}

/** True if nothing instantaneous is in progress; only then does the clock advance. */
function isQuiet({ now, outbox, requests, wire, bLegs }: State): boolean {
  return (
    bLegs.every(({ answeredAt, bridged }) => answeredAt === null || bridged) &&
    requests.every(({ process }) => process !== 'waits') &&
    wire.every(({ late }) => late) &&
    !outbox.some((row) => isReady(row, now))
  );
}

function nextMoment(state: State): number | null {
  const { now, call, outbox, bLegs, refers, requests } = state;
  const moments = [
    state.awayUntil,
    ...(call?.deadlines ?? []).map(({ dueAt }) => dueAt),
    ...outbox.map(({ readyAt, leaseUntil }) => leaseUntil ?? readyAt),
    ...bLegs.flatMap(({ endsAt }) => endsAt ?? []),
    ...refers.flatMap(({ rings, executedAt }) => (rings ? [] : executedAt + TIMER_F_MS)),
    ...requests.map(({ sentAt }) => sentAt + REQUEST_MS),
  ].filter((at) => at > now);
  return moments.length === 0 ? null : Math.min(...moments);
}

/** Actions of the far end and the caller, which do not count as faults. */
function farEnd(state: State, { unknowns }: Setting): Action[] {
  const { leg, refers, bLegs } = state;
  if (!leg.alive) return [];
  const actions: Action[] = [];
  if (state.keysLeft > 0) actions.push(pressesKey);
  for (const { id, rings } of refers) {
    const who = `target of ${ordinal(state, id)}`;
    if (!rings) actions.push({ name: `the ${who} rings`, run: (s) => s.rings(id) });
    actions.push({
      name: `the ${who} refuses`,
      run: (s) => s.refuses(id, rings || !unknowns.refusesSilently),
    });
    if (rings || !unknowns.refusesSilently) {
      actions.push({ name: `the ${who} answers`, run: (s) => s.completes(id, true) });
      actions.push({
        name: `the ${who} answers and the leg goes`,
        run: (s) => s.completes(id, false),
      });
    }
  }
  for (const { id, attemptId, answeredAt, bridged } of bLegs) {
    const who = `B-leg of ${ordinal(state, attemptId)}`;
    if (answeredAt === null)
      actions.push({ name: `the ${who} answers`, run: (s) => s.bLegAnswers(id) });
    else if (!bridged) continue;
    actions.push({
      name: `the ${who} hangs up`,
      run: (s) => s.bLegEnds(id, answeredAt === null ? 'user_busy' : 'normal_clearing'),
    });
  }
  return actions;
}

/** Each costs one of the remaining faults. */
function faults(state: State, { more }: Setting): Action[] {
  const { requests, wire, call, now } = state;
  const actions: Action[] = [];
  const cost = (name: () => string, run: (scene: Scene) => void) =>
    actions.push(
      named(name, (scene) => {
        scene.state.faults -= 1;
        run(scene);
      }),
    );
  for (const item of unlike(wire)) {
    const name = () => wireName(state, item);
    const isOfBLeg = item.event.callId !== CALL;
    if (item.event.type !== 'call.initiated' || (more.recovery && isOfBLeg)) {
      cost(
        () => `lose ${name()}`,
        (s) => s.lose(item),
      );
    }
    if (more.recovery && item.late) {
      cost(
        () => `recovery finds ${name()}`,
        (s) => s.recover(item),
      );
    }
    if (!item.late) {
      cost(
        () => `${name()} comes late`,
        (s) => s.delay(item),
      );
    }
  }
  for (const sending of requests) {
    if (sending.process !== 'waits') continue;
    const name = () => nameOf(state, sending.command);
    const inFlight: [boolean, () => string, (s: Scene) => void][] = [
      [true, () => `the answer to ${name()} is lost`, (s) => s.answered(sending, UNCLEAR)],
      [sending.answer === null, () => `${name()} is turned away`, (s) => s.turnedAway(sending)],
      [true, () => `the process that sent ${name()} dies`, (s) => s.leave(sending, 'died')],
      [
        sending.command.action === 'lookup',
        () => `the process that sent ${name()} dies and starts again`,
        (s) => s.restart(sending),
      ],
      [
        true,
        () => `the process that sent ${name()} stands still`,
        (s) => s.leave(sending, 'stands still'),
      ],
    ];
    for (const [isPossible, what, run] of inFlight) if (isPossible) cost(what, run);
  }
  if (more.recovery && state.leg.alive && call !== null) {
    cost(
      () => 'recovery sees the leg',
      (s) => s.see(),
    );
  }
  if (more.outages && state.awayUntil <= now) {
    for (const ms of OUTAGES_MS) {
      cost(
        () => `the network to Telnyx is away for ${ms / 1000} s`,
        (s) => s.goesAway(ms),
      );
    }
  }
  for (const { name, n, dueAt, putOff } of call?.deadlines ?? []) {
    if (dueAt > now || putOff) continue;
    cost(
      () => `deadline ${name}, late`,
      (s) => s.deadline(name, n, true),
    );
  }
  return actions;
}

const leaves: Action = { name: 'the caller leaves', run: (scene) => scene.legEnds('caller') };

const pressesKey: Action = {
  name: 'the caller presses a key',
  run: (scene) => scene.pressesKey(),
};

const manual: Action = {
  name: 'an operator asks for a REFER',
  run: (scene) => scene.manual(),
};

const act: Action = {
  name: 'an operator acts',
  run: (scene) => scene.act(),
};

const UNCLEAR: Outcome = {
  kind: 'retry',
  status: 500,
  detail: 'unclear',
  afterMs: null,
  provenUnsent: false,
};
const IN_VAIN: Outcome = { kind: 'unknown', detail: 'no answer' };
const UNREACHED: Outcome = { ...UNCLEAR, status: null, provenUnsent: true };
const RATE_LIMITED: Outcome = { ...UNCLEAR, status: 429, afterMs: 2_000, provenUnsent: true };

/** One step from one state to the next. Lists are replaced, never modified. */
class Scene {
  readonly state: State;
  readonly setting: Setting;
  readonly violations: string[] = [];
  readonly happened: string[] = [];

  constructor(state: State, setting: Setting) {
    this.state = state;
    this.setting = setting;
  }

  /** Runs the machine and stores the call and its commands in one commit. */
  put(event: CallEvent): void {
    const { state } = this;
    const { now } = state;
    const { unknowns, more } = this.setting;
    const before = state.call;
    const othersAt = now < state.awayUntil ? state.awayAt : now;
    const heardAt = unknowns.alone ? (before?.heardAt ?? null) : othersAt;
    const result = transition(
      before,
      { ...event, receivedAt: now },
      {
        now,
        heardAt: () => heardAt,
        decide: (facts, moment) => this.decide(facts, moment),
        overBudget: (kind) => (more.spent.includes(kind) ? 'no budget is left' : null),
        ...ALL_AWAKE,
        resting: (target) => (more.resting.includes(target) ? 'it rests' : null),
      },
    );
    if (result.refused !== null) return;
    this.keepsTurn(event, before, result.call);
    state.call = result.call;
    this.lookBack(before, result.call);
    const cancelled = new Set(result.cancel);
    state.outbox = state.outbox.flatMap((row) => {
      if (!cancelled.has(row.command.id)) return [row];
      if (row.leaseUntil === null || row.leaseUntil <= now) return [];
      this.happened.push('a command was taken back while in flight');
      return [{ ...row, cancelled: true }];
    });
    for (const command of result.commands) {
      const row = { command, tries: 0, firstSentAt: null, readyAt: now, createdAt: now };
      state.outbox = [...state.outbox, { ...row, leaseUntil: null, cancelled: false }];
    }
    for (const text of result.notes) this.note(text);
  }

  /** Decides like rules that need the lookup: without an answer their condition does not hold. */
  decide({ lookups = {} }: Call['facts'], { event }: Moment): Decision {
    const { decided, lookup, more } = this.setting;
    if (event !== 'call.initiated') {
      const isLater = event === 'call.dtmf.received' && more.later !== null;
      if (isLater) this.happened.push('a key led to another plan');
      return { ...decided, plan: isLater ? more.later : null };
    }
    if (lookup === null) return decided;
    const fact = lookups[lookup.request.name];
    if (fact === undefined) return { ...decided, plan: null, lookup: lookup.request };
    this.happened.push(fact.failed === null ? 'a lookup decided' : 'a lookup brought no answer');
    return fact.failed === null ? lookup.answered : decided;
  }

  /** Checks that older facts do not undo what newer ones have settled. */
  lookBack(before: Call | null, after: Call): void {
    if (before === null) return;
    if (before.phase === 'ended' && after.phase !== 'ended')
      this.violations.push('an ended call lives again');
    if (before.ends === 'referred' && after.ends !== 'referred')
      this.violations.push(`ended as referred, now ${after.ends}`);
    if (before.decided && before.phase !== 'unmanaged' && after.rule !== before.rule)
      this.violations.push(`decided as ${before.rule}, and again as ${after.rule}`);
    for (const { id, verdict } of before.attempts) {
      const now = after.attempts.find((each) => each.id === id);
      if (verdict === 'completed' && now?.verdict !== 'completed') {
        this.violations.push(`a completed attempt is now ${now?.verdict}`);
      }
      if (verdict === 'no_verdict' && now?.verdict === 'completed')
        this.happened.push('completed after no_verdict');
    }
  }

  /** A prompt is not skipped because the network is away, as long as patience lasts. */
  keepsTurn(event: CallEvent, before: Call | null, after: Call): void {
    if (event.source !== 'outcome' || event.firstSentAt !== null) return;
    if (!this.setting.unknowns.unreached || event.outcome.kind !== 'unknown') return;
    const running = before?.running ?? null;
    if (before === null || running?.id !== event.commandId || !isVoice(running.step)) return;
    const patienceAt = before.deadlines.find(({ name }) => name === 'patience')?.dueAt;
    const lasts = (before.policy?.patienceMs ?? 0) + (before.heardAt ?? 0);
    if (before.patienceOver || (patienceAt ?? lasts) - this.state.now < 1_000) return;
    if (after.running?.step === running.step) return;
    // It waits for a B-leg.
    if (after.plan.at(-1)?.steps[0] === running.step) return;
    this.violations.push('a prompt was skipped, and Telnyx had not been reached');
  }

  note(text: string): void {
    const { state } = this;
    const talk = state.bLegs.some(({ answeredAt }) => answeredAt !== null);
    if (text.includes('the B-leg answered before it was hung up') && !talk) {
      state.accepted = true;
      this.happened.push(
        'accepted: it answered while its hangup was under way, and Telnyx could not be asked',
      );
    }
    for (const [words, name] of NOTES) if (text.includes(words)) this.happened.push(name);
  }

  send(row: Row): void {
    const { state } = this;
    const { now } = state;
    const firstSentAt = row.firstSentAt ?? now;
    const claimed = { ...row, tries: row.tries + 1, firstSentAt, leaseUntil: now + LEASE_MS, now };
    const permission = maySend(claimed, now, REQUEST_MS);
    this.replaceRow(row, claimed);
    if (permission.kind === 'lapsed') return;
    const { command, tries, createdAt, leaseUntil } = claimed;
    const knownToRing = [...state.refers, ...state.bLegs].flatMap((each) =>
      each.known ? [each.id] : [],
    );
    const sending: Sending = {
      command,
      tries,
      firstSentAt,
      sentAt: now,
      leaseUntil,
      createdAt,
      answer: null,
      process: 'waits',
      knownToRing,
      knewOfMove: state.moveKnown,
      knownToTalk: state.bLegs.flatMap(({ id, answerKnown }) => (answerKnown ? [id] : [])),
      leavesTalk: state.call?.suspended?.phase === 'bridged',
    };
    if (permission.kind !== 'send') {
      this.settle(sending, permission.outcome, false);
      return;
    }
    if (now < state.awayUntil && command.action !== 'lookup') {
      const asks = command.action === 'probe' || command.action === 'active_calls';
      this.settle(sending, asks ? IN_VAIN : UNREACHED, true);
      return;
    }
    if (state.requests.some((each) => each.command.id === command.id)) {
      this.happened.push('both processes have sent one command');
    }
    state.requests = [...state.requests, sending];
  }

  execute(sending: Sending): void {
    const answer = this.carryOut(sending);
    this.replaceSending(sending, sending.process === 'died' ? null : { ...sending, answer });
  }

  answered(sending: Sending, outcome: Outcome): void {
    this.replaceSending(sending, null);
    // A process that waited for a lookup's answer in vain does not try it again.
    const inVain = sending.command.action === 'lookup' && outcome.kind === 'retry';
    this.settle(sending, inVain ? IN_VAIN : outcome, true);
  }

  turnedAway(sending: Sending): void {
    this.answered(sending, this.setting.unknowns.unreached ? UNREACHED : RATE_LIMITED);
  }

  leave(sending: Sending, process: 'died' | 'stands still'): void {
    const gone = process === 'died' && sending.answer !== null;
    this.replaceSending(sending, gone ? null : { ...sending, process });
    if (process === 'died') this.happened.push('a process died between sending and the outcome');
  }

  /** A starting process takes over the claims of its predecessor without waiting for the lease. */
  restart(sending: Sending): void {
    const { state } = this;
    this.leave(sending, 'died');
    const row = state.outbox.find(({ command }) => command.id === sending.command.id);
    if (row !== undefined && !row.cancelled) {
      this.replaceRow(row, { ...row, leaseUntil: null, readyAt: state.now });
    }
  }

  settle(sending: Sending, raw: Outcome, requested: boolean): void {
    const { state } = this;
    const { now } = state;
    const { command, tries, firstSentAt, leaseUntil, createdAt } = sending;
    const claimed = { command, tries, firstSentAt, leaseUntil, createdAt, now: sending.sentAt };
    const outcome = asRepetition(claimed, raw);
    if (raw.kind === 'rejected' && outcome.kind === 'unknown')
      this.happened.push('a repetition was refused');
    if (raw.kind === 'rejected' && raw.code === '90018' && tries > 1)
      this.happened.push('90018 to a repetition');
    const settlement = settlementOf(claimed, outcome, now, 0);
    if (outcome.kind === 'accepted') this.hearsOfEnd(command.legId);
    const row = state.outbox.find((each) => each.command.id === command.id);
    if (row !== undefined) {
      const again = settlement.retryAt !== null && !row.cancelled;
      const unsent = outcome.kind === 'retry' && outcome.provenUnsent;
      this.replaceRow(
        row,
        again
          ? {
              ...row,
              readyAt: settlement.retryAt ?? now,
              leaseUntil: null,
              firstSentAt: unsent ? null : row.firstSentAt,
            }
          : null,
      );
    }
    this.put({
      source: 'outcome',
      id: `outcome:${command.id}:${tries}`,
      callId: CALL,
      type: `command.${outcome.kind}`,
      receivedAt: now,
      occurredAt: null,
      commandId: command.id,
      legId: command.legId,
      action: command.action,
      outcome,
      firstSentAt: sentSince(claimed, outcome, requested),
    });
  }

  carryOut(sending: Sending): Outcome {
    const { state, setting } = this;
    const { leg, now } = state;
    const { command } = sending;
    const ok: Outcome = { kind: 'accepted', status: 200, alive: null };
    if (command.action === 'lookup') {
      this.lookUp(command.id);
      return { ...ok, lookup: { result: 'found', values: { tier: 'gold' }, ms: 1 } };
    }
    if (command.action === 'probe') {
      const shown = setting.unknowns.probeShowsState ? leg.clientState : null;
      return { ...ok, alive: leg.alive, envelope: decodeEnvelope(shown) };
    }
    if (command.action === 'active_calls') {
      const found = state.bLegs.find(
        ({ clientState }) => clientState === command.targetClientState,
      );
      return { ...ok, bLeg: found?.id ?? null };
    }
    if (command.legId !== CALL) {
      const bLeg = state.bLegs.find(({ id }) => id === command.legId);
      if (bLeg === undefined) return refused('90018');
      const { answeredAt } = bLeg;
      const talkedBefore = answeredAt !== null && answeredAt < sending.createdAt;
      const weKnew = sending.knownToTalk.includes(bLeg.id);
      if (talkedBefore && !weKnew && state.call?.patienceOver) {
        state.accepted = true;
        this.happened.push('accepted: it had answered, and the news was not here after patience');
      }
      // Where the caller is being hung up as well, there is nobody to talk to.
      const isOver = state.call?.phase === 'releasing' || state.accepted;
      if ((talkedBefore || weKnew) && !isOver) {
        this.violations.push(
          `the B-leg of ${ordinal(state, bLeg.attemptId)} was hung up while it talked`,
        );
      }
      if (!bLeg.bridged) state.hungUp = [...state.hungUp, { id: bLeg.id, known: false }];
      this.bLegEnds(bLeg.id, 'normal_clearing');
      return ok;
    }
    if (!leg.alive) return refused('90018');
    const before = state.executed.find(({ id }) => id === command.id);
    if (before !== undefined) {
      if (now - before.at > 60_000) this.violations.push(`${command.action} was executed twice`);
      return setting.unknowns.refusesRepetitions ? refused('90000') : ok;
    }
    const moving = command.action === 'refer' || command.action === 'transfer';
    if (moving && !leg.answered && setting.unknowns.refusesUnanswered) return refused('90034');
    state.executed = [...state.executed, { id: command.id, at: now }];
    if (command.clientState !== null) state.leg = { ...leg, clientState: command.clientState };
    this.carryOutOnce(command, sending);
    return ok;
  }

  /**
   * The operator's server answers whether or not the leg is live. The same request may reach it
   * twice.
   */
  lookUp(id: string): void {
    const { state } = this;
    if (state.asked !== null && state.asked !== id)
      this.violations.push('a lookup was asked again');
    if (state.asked === id) this.happened.push('a lookup reached its server twice');
    state.asked = id;
  }

  carryOutOnce(command: Command, sending: Sending): void {
    const { state, setting } = this;
    const { now } = state;
    switch (command.action) {
      case 'answer':
        state.leg = { ...state.leg, answered: true };
        this.emit('call.answered');
        return;
      case 'refer': {
        this.lookForOthers(sending);
        const { patienceOver = false, suspended = null } = state.call ?? {};
        const hasUntil =
          patienceOver && suspended === null
            ? now
            : sending.firstSentAt + this.timeoutOf(command.id);
        state.refers = [
          ...state.refers,
          { id: command.id, executedAt: now, hasUntil, rings: false, known: false },
        ];
        return;
      }
      case 'transfer': {
        this.lookForOthers(sending);
        const bLeg = {
          id: `b:${command.id}`,
          attemptId: command.id,
          clientState: command.targetClientState,
          executedAt: now,
          endsAt: now + command.timeoutSecs * 1000,
          answeredAt: null,
          bridged: false,
          known: false,
          answerKnown: false,
        };
        state.bLegs = [...state.bLegs, bLeg];
        this.emitB(bLeg, 'call.initiated', null);
        return;
      }
      case 'hangup':
      case 'reject':
        this.legEnds('callee');
        return;
      case 'speak':
        if (!command.loop) this.emit('call.speak.ended', { status: 'completed' });
        return;
      case 'playback_start':
        if (command.loop) return;
        this.emit('call.playback.started');
        this.emit('call.playback.ended', { status: 'completed' });
        return;
      case 'gather_using_speak':
      case 'gather_using_audio': {
        const digits = setting.more.presses;
        const isValid = digits !== '' && command.validDigits.includes(digits);
        this.emit('call.gather.ended', { status: isValid ? 'valid' : 'timeout', digits });
        return;
      }
      default:
    }
  }

  /** The central check: when a move is executed, nothing else may still take the caller. */
  lookForOthers({ command, knownToRing, knewOfMove, leavesTalk }: Sending): void {
    const { state } = this;
    if (leavesTalk) {
      state.accepted = true;
      return;
    }
    if (state.moves.length > 0 && knewOfMove) {
      this.violations.push(
        `${command.action} was sent though the caller had been moved, and we knew`,
      );
    } else if (state.moves.length > 0) {
      state.accepted = true;
      this.happened.push(
        'accepted: the caller had been moved, and the news was not here when the next was sent',
      );
    }
    for (const open of state.refers) {
      if (this.attemptOf(open.id)?.movesOnAnyway === true) {
        state.accepted = true;
        this.happened.push('accepted: the route moves on while a target may still answer');
      } else if (knownToRing.includes(open.id)) {
        this.violations.push(
          `${command.action} was sent while ${ordinal(state, open.id)} rang, and we knew`,
        );
      } else if (state.now + UNKNOWN_LEFT_MS_MIN <= this.hasUntil(open)) {
        const leftSecs = (this.hasUntil(open) - state.now) / 1000;
        this.violations.push(
          `${command.action} while ${ordinal(state, open.id)} has ${leftSecs} s left`,
        );
      } else {
        state.accepted = true;
        this.happened.push(
          open.rings
            ? 'accepted: it rings, and the news was not here when the next was sent'
            : 'accepted: it was silent for all of its time',
        );
      }
    }
    for (const { id, attemptId, answeredAt } of state.bLegs) {
      if (knownToRing.includes(id)) {
        const does = answeredAt === null ? 'rang' : 'talked';
        this.violations.push(
          `${command.action} was sent while the B-leg of ${ordinal(state, attemptId)} ${does}, and we knew of it`,
        );
      } else {
        state.accepted = true;
        this.happened.push('accepted: a B-leg of which no news was here when the next was sent');
      }
    }
  }

  /**
   * Where nobody knew whether it was taken when it was given up, it has no longer than it may be
   * sent again.
   */
  hasUntil({ id, executedAt, hasUntil }: OpenRefer): number {
    const { acceptedAt = null, endedAt = null } = this.attemptOf(id) ?? {};
    const isKnown = acceptedAt !== null && (endedAt === null || acceptedAt < endedAt);
    return isKnown ? hasUntil : Math.min(hasUntil, executedAt + SAME_COMMAND_MS);
  }

  timeoutOf(attemptId: string): number {
    const running = this.state.call?.running;
    const step = running?.id === attemptId ? running.step : null;
    return step !== null && (step?.do === 'refer' || step?.do === 'transfer') ? step.timeoutMs : 0;
  }

  deliver(item: OnTheWire): void {
    const { state } = this;
    state.wire = state.wire.filter((each) => each !== item);
    const { event, about } = item;
    if (event.type === 'call.refer.started' && this.mayBeKnown(item)) {
      state.refers = state.refers.map((each) =>
        each.id === about ? { ...each, known: true } : each,
      );
    }
    if (event.type === 'call.refer.failed') this.misleads(item);
    if (event.type === 'call.refer.completed' || event.type === 'call.bridged')
      state.moveKnown = true;
    if (event.type === 'call.bridged') {
      state.bLegs = state.bLegs.map((each) =>
        each.attemptId === about ? { ...each, answerKnown: true } : each,
      );
    }
    if (event.type === 'call.refer.failed' && state.call?.phase === 'ended') {
      this.happened.push('the final event came after the hangup');
    }
    if (event.callId === CALL) {
      this.put(event);
      return;
    }
    const answered = event.type === 'call.answered';
    state.bLegs = state.bLegs.map((each) =>
      each.attemptId === about
        ? { ...each, known: true, answerKnown: each.answerKnown || answered }
        : each,
    );
    if (event.type === 'call.hangup') this.hearsOfEnd(event.callId);
    const { id, type, receivedAt, occurredAt, hangupCause, sipHangupCause, recovered } = event;
    const told = { id, type, receivedAt, occurredAt, hangupCause, sipHangupCause };
    const common = recovered === undefined ? told : { ...told, recovered };
    this.put({ ...common, source: 'b_leg', callId: CALL, bLegId: event.callId, attemptId: about });
  }

  /**
   * It seems to be the failure of the next, whose name it carries, or that of no attempt: its own
   * attempt was silent for all that we know, or has failed already.
   */
  misleads({ event, about }: OnTheWire): void {
    const { state } = this;
    const attempt = about === null ? undefined : this.attemptOf(about);
    const named = event.envelope?.id;
    if (attempt === undefined || named === about) return;
    const isOver = attempt.final && !attempt.finalUnclear;
    const isSilent = state.now - (attempt.requestEndedAt ?? state.now) > TIMER_F_MS;
    if (!isOver && (attempt.progress || !isSilent)) return;
    const isNamed = named !== undefined && this.attemptOf(named)?.kind === 'refer';
    const whose = isNamed
      ? 'carried the name of the next attempt'
      : 'carried no name of an attempt';
    this.happened.push(`accepted: a failure ${whose}`);
    const { attempts = [] } = state.call ?? {};
    const newer = attempts.slice(attempts.indexOf(attempt) + 1).map(({ id }) => id);
    // With it ends the doubt about an older one, whose failure may have been that of the named.
    const seemsOver = (id: string) =>
      (isNamed ? id === named : newer.includes(id)) || this.attemptOf(id)?.finalUnclear === true;
    state.refers = state.refers.map((each) =>
      seemsOver(each.id)
        ? { ...each, known: false, hasUntil: Math.min(each.hasUntil, state.now) }
        : each,
    );
  }

  /**
   * False if it carries the name of another attempt, whose ringing it then seems to be, or if a
   * failure with this name was heard: then it seems to have overtaken that.
   */
  mayBeKnown({ event, about }: OnTheWire): boolean {
    const named = event.envelope?.id;
    const isOther = named !== about && named !== undefined && this.attemptOf(named) !== undefined;
    if (isOther) this.happened.push('accepted: a ringing carried the name of another attempt');
    const attempt = about === null ? undefined : this.attemptOf(about);
    const seemsOver = attempt?.final === true && !attempt.finalUnclear;
    if (seemsOver) this.happened.push('accepted: it rang after a failure that had its name');
    return !isOther && !seemsOver;
  }

  hearsOfEnd(bLeg: string): void {
    const { state } = this;
    state.hungUp = state.hungUp.map((each) => (each.id === bLeg ? { ...each, known: true } : each));
  }

  lose(item: OnTheWire): void {
    this.state.wire = this.state.wire.filter((each) => each !== item);
  }

  delay(item: OnTheWire): void {
    this.state.wire = this.state.wire.map((each) =>
      each === item ? { ...each, late: true } : each,
    );
  }

  /** The list of live legs was read now, and the event is delivered with it. */
  recover(item: OnTheWire): void {
    const { state } = this;
    this.happened.push('recovery found a webhook');
    const living = new Set([
      ...(state.leg.alive ? [CALL] : []),
      ...state.bLegs.map(({ id }) => id),
    ]);
    this.state.wire = state.wire.filter((each) => each !== item);
    this.deliver({ ...item, event: { ...item.event, recovered: { living } } });
  }

  /** Recovery sees the leg in the list of live ones, and its client_state. */
  see(): void {
    const { state, setting } = this;
    const shown = setting.unknowns.probeShowsState ? state.leg.clientState : null;
    const common = { callId: CALL, receivedAt: state.now, occurredAt: null };
    const id = `sighting:${++state.emitted}`;
    this.happened.push('recovery saw the leg');
    this.put({
      ...common,
      source: 'sighting',
      id,
      type: 'recovery.sighting',
      envelope: decodeEnvelope(shown),
    });
  }

  pressesKey(): void {
    this.state.keysLeft -= 1;
    this.emit('call.dtmf.received', { digits: '5' });
  }

  goesAway(ms: number): void {
    this.state.awayAt = this.state.now;
    this.state.awayUntil = this.state.now + ms;
    for (const item of this.state.wire) this.delay(item);
    this.happened.push('the network to Telnyx was away');
  }

  deadline(name: Call['deadlines'][number]['name'], n: number, putOff: boolean): void {
    const { state } = this;
    const { now } = state;
    if (name === 'patience' && !putOff && state.call?.suspended === null) this.losesPatience();
    const common = { callId: CALL, receivedAt: now, occurredAt: null, n, putOff };
    this.put({
      ...common,
      source: 'deadline',
      name,
      id: `deadline:${name}:${n}`,
      type: `deadline.${name}`,
    });
  }

  /** The time of the running attempt is over, whatever its step allows, also if it is taken now. */
  losesPatience(): void {
    const { state } = this;
    const id = state.call?.running?.id;
    state.refers = state.refers.map((each) =>
      each.id === id ? { ...each, hasUntil: Math.min(each.hasUntil, state.now) } : each,
    );
  }

  manual(): void {
    const { state, setting } = this;
    if (setting.manual === null) return;
    state.manualsLeft -= 1;
    this.happened.push(`a manual refer while ${state.call?.phase}`);
    const common = { callId: CALL, receivedAt: state.now, occurredAt: null };
    this.put({
      ...common,
      source: 'manual',
      id: `manual:${setting.manuals - state.manualsLeft}`,
      type: 'manual.refer',
      step: setting.manual,
    });
  }

  act(): void {
    const { state, setting } = this;
    const { call, now } = state;
    if (setting.act === null || call === null) return;
    const { phase, running } = call;
    state.actLeft = false;
    const common = { callId: CALL, receivedAt: now, occurredAt: null, by: 'anna', reason: null };
    const type = `operator.${setting.act}` as const;
    this.put({ ...common, source: 'operator', id: 'operator:1', type });
    if (setting.act === 'hangup') {
      this.happened.push(`an operator hung up while ${phase}`);
      return;
    }
    this.happened.push(`an operator went on while ${phase}`);
    // It was silent for as long as a REFER may be, so it is over.
    state.refers = state.refers.map((each) =>
      each.id === running?.id
        ? { ...each, hasUntil: Math.min(each.hasUntil, each.executedAt + TIMER_F_MS) }
        : each,
    );
    const talking = state.bLegs.some((each) => each.attemptId === running?.id && each.answeredAt);
    if (talking) {
      state.accepted = true;
      this.happened.push(
        'accepted: it had answered, and the news was not here when an operator went on',
      );
    }
  }

  pass(): void {
    const { state } = this;
    const next = nextMoment(state);
    if (next === null) return;
    if (
      state.call?.phase === 'bridged' &&
      state.leg.alive &&
      state.bLegs.length === 0 &&
      state.hungUp.some(({ known }) => known)
    ) {
      this.violations.push('the caller hears nobody, because we have hung up the B-leg');
    }
    state.now = next;
    for (const { id, endsAt } of state.bLegs) {
      if (endsAt !== null && endsAt <= next) this.bLegEnds(id, 'timeout');
    }
    for (const { id, rings, executedAt } of state.refers) {
      if (rings || executedAt + TIMER_F_MS > next) continue;
      if (this.setting.unknowns.reportsSilence) this.refuses(id, true, 408);
      else state.refers = state.refers.filter((each) => each.id !== id);
    }
    // The process that had a cancelled command in flight is gone, and no other may send it.
    state.outbox = state.outbox.filter(
      ({ cancelled, leaseUntil }) => !cancelled || (leaseUntil ?? 0) > next,
    );
    // A request reaches Telnyx within its timeout, or not at all.
    state.requests = state.requests.flatMap((each) => {
      if (each.answer !== null || each.sentAt + REQUEST_MS > next) return [each];
      return each.process === 'died' ? [] : [{ ...each, answer: UNCLEAR }];
    });
  }

  rings(id: string): void {
    const { state } = this;
    state.refers = state.refers.map((each) => (each.id === id ? { ...each, rings: true } : each));
    this.emitRefer(id, 'call.refer.started', 180);
    if (this.setting.unknowns.startsTwice) this.emitRefer(id, 'call.refer.started', 183);
  }

  refuses(id: string, reported: boolean, code = 486): void {
    const { state } = this;
    state.refers = state.refers.filter((each) => each.id !== id);
    if (reported) this.emitRefer(id, 'call.refer.failed', code);
    if (this.setting.unknowns.legDiesWithRefer) this.legEnds('callee');
  }

  completes(id: string, reported: boolean): void {
    const { state } = this;
    state.refers = state.refers.filter((each) => each.id !== id);
    this.moved(id);
    if (reported) this.emitRefer(id, 'call.refer.completed', 200);
    if (!reported || this.setting.unknowns.hangsUpAfterCompleted) this.legEnds('callee');
  }

  moved(id: string): void {
    const { state } = this;
    state.moves = [...state.moves, id];
    if (state.moves.length < 2) return;
    if (state.accepted)
      this.happened.push('accepted: moved twice after a case that cannot be told apart');
    else this.violations.push(`the caller was moved ${state.moves.length} times`);
  }

  bLegAnswers(id: string): void {
    const { state } = this;
    const bLeg = state.bLegs.find((each) => each.id === id);
    if (bLeg === undefined) return;
    state.bLegs = state.bLegs.map((each) =>
      each.id === id ? { ...each, answeredAt: state.now, endsAt: null } : each,
    );
    this.emitB(bLeg, 'call.answered', null);
  }

  bridges(id: string): void {
    const { state } = this;
    const bLeg = state.bLegs.find((each) => each.id === id);
    if (bLeg === undefined) return;
    state.bLegs = state.bLegs.map((each) => (each.id === id ? { ...each, bridged: true } : each));
    this.moved(bLeg.attemptId);
    this.emit('call.bridged', {}, bLeg.attemptId);
  }

  bLegEnds(id: string, cause: string): void {
    const { state } = this;
    const bLeg = state.bLegs.find((each) => each.id === id);
    state.bLegs = state.bLegs.filter((each) => each.id !== id);
    if (bLeg === undefined) return;
    this.emitB(bLeg, 'call.hangup', cause);
    // Telnyx ends the caller's leg when the B-leg hangs up after a conversation.
    if (bLeg.bridged) this.legEnds('callee');
  }

  legEnds(hangupSource: string): void {
    const { state } = this;
    if (!state.leg.alive) return;
    state.leg = { ...state.leg, alive: false };
    state.refers = [];
    // They were about to talk, and it counts as if they had.
    if (state.bLegs.some(({ answeredAt }) => answeredAt !== null)) state.accepted = true;
    for (const { id } of state.bLegs) this.bLegEnds(id, 'normal_clearing');
    this.emit('call.hangup', {
      hangupCause: 'normal_clearing',
      hangupSource,
      sipHangupCause: '200',
    });
  }

  emitRefer(id: string, type: string, sipNotifyResponse: number): void {
    const { state, setting } = this;
    const { envelope } = setting.unknowns;
    const own = state.call?.attempts.some((attempt) => attempt.id === id) ? envelopeOf(id) : null;
    const clientState = { own, leg: state.leg.clientState, none: null }[envelope];
    this.emit(type, { sipNotifyResponse, clientState }, id);
  }

  emit(type: string, more: Partial<WebhookEvent> = {}, about: string | null = null): void {
    const { state } = this;
    const id = `event-${++state.emitted}`;
    const { clientState } = state.leg;
    const event = webhook(type, { id, clientState, occurredAt: state.now, ...more });
    this.onTheWire({ event, about });
  }

  emitB(bLeg: OpenBLeg, type: string, hangupCause: string | null): void {
    const { state } = this;
    const { id: callId, clientState, attemptId } = bLeg;
    const id = `event-${++state.emitted}`;
    const event = webhook(type, { id, callId, clientState, hangupCause, occurredAt: state.now });
    this.onTheWire({ event, about: attemptId });
  }

  /** What is emitted while the network is away comes late. */
  onTheWire(item: Omit<OnTheWire, 'late'>): void {
    const { state } = this;
    state.wire = [...state.wire, { ...item, late: state.now < state.awayUntil }];
  }

  attemptOf(id: string): Attempt | undefined {
    return this.state.call?.attempts.find((attempt) => attempt.id === id);
  }

  replaceRow(row: Row, by: Row | null): void {
    const { state } = this;
    state.outbox = state.outbox.flatMap((each) => {
      if (each.command.id !== row.command.id) return [each];
      return by === null ? [] : [by];
    });
  }

  replaceSending(sending: Sending, by: Sending | null): void {
    const { state } = this;
    state.requests = state.requests.flatMap((each) => {
      if (each !== sending) return [each];
      return by === null ? [] : [by];
    });
  }
}

function envelopeOf(id: string): string {
  return Buffer.from(JSON.stringify({ v: 1, a: id })).toString('base64');
}

/** Notes of the machine that stand for situations which the search must meet. */
const NOTES: [string, string][] = [
  ['rings after all', 'a move was taken back: the target before it rang after all'],
  ['its client_state shows', 'an envelope showed that Telnyx had executed a command'],
  ['never came: a probe', 'a probe found that the leg had ended'],
  ['answering, then again', 'answered again after 90034'],
  ['hang up the B-leg', 'the B-leg of a transfer that was given up was hung up'],
  ['patience ran out', 'patience ran out'],
  ['last resort', 'the last resort ran'],
  [
    'attempts rings, and the event does not say which',
    'one of several rang, and nobody could tell which',
  ],
  [
    'an earlier REFER may still be answered',
    'a step was skipped since an earlier REFER may be answered',
  ],
  ['the B-leg still exists after', 'a B-leg of which no webhook came was found'],
  ['came too late and changes nothing', 'a lookup was answered too late'],
  ['given up for a manual refer', 'a lookup was given up'],
  ['postponed by', 'a deadline that was reached late was postponed'],
  ['back to ', 'a manual refer failed and the call went back'],
  ['waits until the B-leg', 'a move waited until a B-leg was hung up'],
  ['so it keeps its turn', 'a step kept its turn, because Telnyx was not reached'],
];

function refused(code: string): Outcome {
  return {
    kind: 'rejected',
    status: 422,
    code,
    detail: `Telnyx ${code}`,
    callEnded: code === '90018',
    notAnswered: code === '90034',
    misconfigured: null,
  };
}

function nameOf(state: State, command: Command): string {
  const attempt = command.attemptId === null ? '' : ` of ${ordinal(state, command.attemptId)}`;
  return `${command.action}${attempt}${command.legId === CALL ? '' : ' of the B-leg'}`;
}

function wireName(state: State, { event, about }: OnTheWire): string {
  const whose = about === null ? '' : ` of ${ordinal(state, about)}`;
  const leg = event.callId === CALL ? '' : ' (B-leg)';
  return `${event.type}${event.sipNotifyResponse === null ? '' : ` ${event.sipNotifyResponse}`}${whose}${leg}`;
}

function ordinal({ call }: State, attemptId: string): string {
  const index = call?.attempts.findIndex(({ id }) => id === attemptId) ?? -1;
  return index < 0 ? 'an unknown attempt' : `attempt ${index + 1}`;
}
