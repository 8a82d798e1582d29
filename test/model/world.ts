/**
 * A small world around the machine: one caller, the commands that wait, the wire with its webhooks, and a
 * Telnyx that carries out what it is asked, whether or not anybody hears the answer. Every choice is made
 * by `chance`, so that a seed is a story that can be told again.
 */
import type { Attempt, Call } from '../../src/core/machine/call.ts';
import { decodeEnvelope } from '../../src/core/machine/client-state.ts';
import type { Command, Outcome } from '../../src/core/machine/command.ts';
import type { CallEvent, WebhookEvent } from '../../src/core/machine/event.ts';
import type { Decision } from '../../src/core/machine/plan.ts';
import { transition } from '../../src/core/machine/transition.ts';
import { asRepetition, maySend, sentSince, settlementOf } from '../../src/engine/sending.ts';
import { CALL, webhook } from '../helpers/machine.ts';

/** What Telnyx's documentation leaves open; every combination must be survived. */
export interface Unknowns {
  /** A repeated command_id of what was carried out is answered 422, not 200. */
  refusesRepetitions: boolean;
  /** The leg ends together with a REFER that failed. */
  legDiesWithRefer: boolean;
  /** The far end hangs the leg up once the REFER completed. */
  hangsUpAfterCompleted: boolean;
  /** A REFER before the answer is refused with 90034. */
  refusesUnanswered: boolean;
}

interface Waiting {
  command: Command;
  tries: number;
  firstSentAt: number | null;
  readyAt: number;
  createdAt: number;
}

interface OpenRefer {
  attemptId: string;
  executedAt: number;
  rings: boolean;
}

interface BLeg {
  id: string;
  attemptId: string;
  clientState: string;
  executedAt: number;
  endsAt: number;
  answered: boolean;
}

export interface Walk {
  story: string[];
  violations: string[];
  call: Call | null;
  moves: number;
}

const REQUEST_MS = 20;

export function walk(decided: Decision, unknowns: Unknowns, chance: () => number, steps: number) {
  const story: string[] = [];
  const violations: string[] = [];
  const executed = new Set<string>();
  /** Attempts of which a `started` has been delivered. */
  const heardRinging = new Set<string>();
  let call: Call | null = null;
  let now = 1_000_000;
  let emitted = 0;
  const seen = new Set<string>();
  let outbox: Waiting[] = [];
  let wire: WebhookEvent[] = [];
  let refers: OpenRefer[] = [];
  let bLegs: BLeg[] = [];
  let moves = 0;
  const leg = { alive: true, answered: false, clientState: null as string | null };

  const pick = <T>(items: readonly T[]): T | undefined =>
    items[Math.floor(chance() * items.length)];
  const say = (text: string) => story.push(`${((now - 1_000_000) / 1000).toFixed(2)} ${text}`);

  emit('call.initiated');
  let faults = true;
  for (let n = 0; n < steps; n += 1) {
    if (n > steps / 2) faults = false;
    if (call !== null && (call as Call).phase === 'ended' && wire.length === 0) break;
    step();
    if (violations.length > 0) break;
  }
  if (violations.length === 0 && (call as Call | null)?.phase !== 'ended') {
    violations.push(`the call never ended: it is ${(call as Call | null)?.phase}`);
  }
  return { story, violations, call, moves } satisfies Walk;

  function step(): void {
    const due = outbox.filter(({ readyAt }) => readyAt <= now);
    const roll = chance();
    const waiting = pick(due);
    if (roll < 0.35 && waiting !== undefined) send(waiting);
    else if (roll < 0.65 && wire.length > 0) deliver();
    else if (roll < 0.85) farEnd();
    else pass();
  }

  function put(event: CallEvent): void {
    // The store knows a second delivery by its id and type.
    if (seen.has(`${event.source} ${event.type} ${event.id}`)) return;
    seen.add(`${event.source} ${event.type} ${event.id}`);
    const result = transition(
      call,
      { ...event, receivedAt: now },
      { now, heardAt: now, decide: () => decided, overBudget: () => null },
    );
    if (result.refused !== null) return;
    call = JSON.parse(JSON.stringify(result.call)) as Call;
    for (const text of result.notes) say(`  ${text}`);
    outbox = outbox.filter(({ command }) => !result.cancel.includes(command.id));
    for (const command of result.commands) {
      outbox.push({ command, tries: 0, firstSentAt: null, readyAt: now, createdAt: now });
    }
  }

  function deliver(): void {
    const event = pick(wire);
    if (event === undefined) return;
    const doubled = faults && chance() < 0.1;
    if (!doubled) wire = wire.filter((each) => each !== event);
    if (faults && event.type !== 'call.initiated' && chance() < 0.07) {
      say(`the wire loses ${event.type}`);
      return;
    }
    say(`webhook ${event.type} ${event.sipNotifyResponse ?? ''}`);
    if (event.callId === CALL) {
      const about = (event as WebhookEvent & { about?: string }).about;
      if (event.type === 'call.refer.started' && about !== undefined) heardRinging.add(about);
      put(event);
      return;
    }
    const bLeg = event as WebhookEvent & { about?: string };
    put({
      source: 'b_leg',
      id: event.id,
      callId: CALL,
      type: event.type,
      receivedAt: now,
      occurredAt: event.occurredAt,
      bLegId: event.callId,
      attemptId: bLeg.about ?? null,
      hangupCause: event.hangupCause,
      sipHangupCause: event.sipHangupCause,
    });
  }

  function send(waiting: Waiting): void {
    waiting.tries += 1;
    const firstSentAt = waiting.firstSentAt ?? now;
    const claimed = {
      command: waiting.command,
      tries: waiting.tries,
      firstSentAt,
      leaseUntil: now + 10_000,
      now,
      createdAt: waiting.createdAt,
    };
    waiting.firstSentAt = firstSentAt;
    const permission = maySend(claimed, now, 5_000);
    if (permission.kind === 'lapsed') return;
    const raw = permission.kind === 'send' ? request(waiting.command) : permission.outcome;
    const outcome = asRepetition(claimed, raw);
    say(`${waiting.command.action} ${shortOf(waiting.command)} -> ${raw.kind}`);
    const settlement = settlementOf(claimed, outcome, now, 0);
    if (settlement.retryAt === null) outbox = outbox.filter((each) => each !== waiting);
    else {
      waiting.readyAt = settlement.retryAt;
      if (outcome.kind === 'retry' && outcome.provenUnsent) waiting.firstSentAt = null;
    }
    put({
      source: 'outcome',
      id: `outcome:${waiting.command.id}:${waiting.tries}`,
      callId: CALL,
      type: `command.${outcome.kind}`,
      receivedAt: now,
      occurredAt: null,
      commandId: waiting.command.id,
      legId: waiting.command.legId,
      action: waiting.command.action,
      outcome,
      firstSentAt: sentSince(claimed, outcome, permission.kind === 'send'),
    });
  }

  /** What Telnyx answers, and what of it we hear. */
  function request(command: Command): Outcome {
    now += REQUEST_MS;
    const retry: Outcome = {
      kind: 'retry',
      status: 500,
      detail: 'unclear',
      afterMs: null,
      provenUnsent: false,
    };
    const fate = faults ? chance() : 1;
    if (fate < 0.08) return retry;
    if (fate < 0.12) return { ...retry, status: 429, afterMs: 2_000, provenUnsent: true };
    const answer = carryOut(command);
    return fate < 0.24 ? retry : answer;
  }

  function carryOut(command: Command): Outcome {
    const ok: Outcome = { kind: 'accepted', status: 200, alive: null };
    if (command.action === 'probe') {
      return { ...ok, alive: leg.alive, envelope: decodeEnvelope(leg.clientState) };
    }
    if (command.action === 'active_calls') {
      const found = bLegs.find(({ clientState }) => clientState === command.targetClientState);
      return { ...ok, bLeg: found?.id ?? null };
    }
    if (command.legId !== CALL) {
      const bLeg = bLegs.find(({ id }) => id === command.legId);
      if (bLeg === undefined) return refused('90018');
      endBLeg(bLeg, 'normal_clearing');
      return ok;
    }
    if (!leg.alive) return refused('90018');
    if (executed.has(command.id)) return unknowns.refusesRepetitions ? refused('90000') : ok;
    const moving = command.action === 'refer' || command.action === 'transfer';
    if (moving && !leg.answered && unknowns.refusesUnanswered) return refused('90034');
    executed.add(command.id);
    if (command.clientState !== null) leg.clientState = command.clientState;
    switch (command.action) {
      case 'answer':
        leg.answered = true;
        emit('call.answered');
        return ok;
      case 'refer':
        lookForSecondMove(command);
        refers.push({ attemptId: command.id, executedAt: now, rings: false });
        return ok;
      case 'transfer': {
        lookForSecondMove(command);
        const bLeg = {
          id: `b:${command.id}`,
          attemptId: command.id,
          clientState: command.targetClientState,
          executedAt: now,
          endsAt: now + command.timeoutSecs * 1000,
          answered: false,
        };
        bLegs.push(bLeg);
        emitB(bLeg, 'call.initiated');
        return ok;
      }
      case 'hangup':
      case 'reject':
        endLeg('callee');
        return ok;
      case 'speak':
        if (!command.loop) emit('call.speak.ended', { status: 'completed' });
        return ok;
      default:
        return ok;
    }
  }

  /** The heart of it: nothing else may still be about to take the caller when a move is carried out. */
  function lookForSecondMove(command: Command): void {
    for (const open of refers) {
      const attempt = attemptOf(open.attemptId);
      const routeSaysSo = attempt?.movesOnAnyway === true;
      if (open.rings && heardRinging.has(open.attemptId) && !routeSaysSo) {
        violations.push(
          `${shortOf(command)} moved the caller while ${open.attemptId} rang, and we knew`,
        );
      }
      if (now - open.executedAt < 9_000) {
        violations.push(
          `${shortOf(command)} moved the caller ${now - open.executedAt} ms after ${open.attemptId}`,
        );
      }
    }
    for (const bLeg of bLegs) {
      violations.push(
        `${shortOf(command)} moved the caller while the B-leg of ${bLeg.attemptId} ${bLeg.answered ? 'talked' : 'rang'}`,
      );
    }
  }

  function farEnd(): void {
    const what = chance();
    if (what < 0.04) {
      if (leg.alive) endLeg('caller');
      return;
    }
    const bLeg = pick(bLegs);
    if (bLeg !== undefined && what < 0.5) {
      if (!bLeg.answered && what < 0.2) {
        bLeg.answered = true;
        bLeg.endsAt = Number.POSITIVE_INFINITY;
        moves += 1;
        emitB(bLeg, 'call.answered');
        emit('call.bridged');
      } else if (what < 0.35) {
        endBLeg(bLeg, bLeg.answered ? 'normal_clearing' : 'user_busy');
      }
      return;
    }
    const refer = pick(refers);
    if (refer === undefined || !leg.alive) return;
    const silentFor = now - refer.executedAt;
    // Timer F: what has not answered after 32 s does not begin later.
    if (!refer.rings && silentFor > 32_000) {
      refers = refers.filter((each) => each !== refer);
      return;
    }
    if (what < 0.65) {
      refer.rings = true;
      emit('call.refer.started', { sipNotifyResponse: 180 }, refer.attemptId);
      return;
    }
    if (what < 0.8) {
      refers = refers.filter((each) => each !== refer);
      emit('call.refer.failed', { sipNotifyResponse: 486 }, refer.attemptId);
      if (unknowns.legDiesWithRefer) endLeg('callee');
      return;
    }
    if (what < 0.9) {
      refers = [];
      moves += 1;
      emit('call.refer.completed', { sipNotifyResponse: 200 }, refer.attemptId);
      if (unknowns.hangsUpAfterCompleted) endLeg('caller');
    } else if (what < 0.93) {
      refers = [];
      moves += 1;
      endLeg('caller');
    }
  }

  /** Time passes until something is due. */
  function pass(): void {
    const deadlines = call?.deadlines.map(({ dueAt }) => dueAt) ?? [];
    const sends = outbox.map(({ readyAt }) => readyAt);
    const ends = bLegs.map(({ endsAt }) => endsAt);
    const next = Math.min(...deadlines, ...sends.filter((at) => at > now), ...ends);
    if (!Number.isFinite(next)) return;
    // Dispatchers and Telnyx's deliveries are quicker than that.
    if (outbox.some(({ readyAt }) => readyAt <= now) && chance() < 0.9) return;
    const late = outbox.some(({ readyAt }) => readyAt <= now);
    const most = late ? now + 2_000 : Number.POSITIVE_INFINITY;
    now = Math.max(now, Math.min(most, chance() < 0.5 ? next : Math.min(next, now + 1_000)));
    for (const bLeg of bLegs) if (bLeg.endsAt <= now) endBLeg(bLeg, 'timeout');
    const due = call?.deadlines.filter(({ dueAt }) => dueAt <= now) ?? [];
    const [deadline] = due.sort((a, b) => a.dueAt - b.dueAt);
    // What is on the wire or waits to be sent comes within seconds; a deadline does not overtake it by far.
    if (deadline === undefined) return;
    say(`deadline ${deadline.name}`);
    put({
      source: 'deadline',
      id: `deadline:${deadline.name}:${deadline.n}`,
      callId: CALL,
      type: `deadline.${deadline.name}`,
      receivedAt: now,
      occurredAt: null,
      name: deadline.name,
      n: deadline.n,
      putOff: false,
    });
  }

  function emit(type: string, more: Partial<WebhookEvent> = {}, about?: string): void {
    now += 1;
    const event = webhook(type, {
      id: `event-${++emitted}`,
      clientState: leg.clientState,
      occurredAt: now,
      ...more,
    });
    wire.push(about === undefined ? event : Object.assign(event, { about }));
  }

  function emitB(bLeg: BLeg, type: string, hangupCause: string | null = null): void {
    const event = webhook(type, {
      id: `event-${++emitted}`,
      callId: bLeg.id,
      clientState: bLeg.clientState,
      hangupCause,
    });
    wire.push(Object.assign(event, { about: bLeg.attemptId }));
  }

  function endBLeg(bLeg: BLeg, cause: string): void {
    bLegs = bLegs.filter((each) => each !== bLeg);
    emitB(bLeg, 'call.hangup', cause);
  }

  function endLeg(hangupSource: string): void {
    leg.alive = false;
    refers = [];
    for (const bLeg of bLegs) endBLeg(bLeg, 'normal_clearing');
    say(`the leg ends, by ${hangupSource}`);
    emit('call.hangup', { hangupCause: 'normal_clearing', hangupSource, sipHangupCause: '200' });
  }

  function attemptOf(id: string): Attempt | undefined {
    return call?.attempts.find((attempt) => attempt.id === id);
  }
}

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

function shortOf(command: Command): string {
  return command.action === 'refer' ? command.sipAddress : command.id.slice(0, 8);
}
