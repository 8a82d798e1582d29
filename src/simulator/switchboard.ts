/**
 * Places the simulator's calls and ends them. It is one file because the end of one leg emits
 * events and ends other legs.
 */
import type { Clock } from './clock.ts';
import { costPayload } from './cost.ts';
import { createEmit, type Emit, type EmitOptions } from './emit.ts';
import {
  answeredPayload,
  type HangupFacts,
  hangupPayload,
  initiatedPayload,
  type Leg,
  type PlacedLegs,
} from './leg.ts';
import { createPlaced, type PlacedOptions } from './placed.ts';
import type { CallerHangup, CallScript } from './script.ts';
import { silence } from './voice.ts';

interface SwitchboardOptions extends PlacedOptions, EmitOptions {
  /** The application's setting, read when a leg ends. */
  costInWebhooks: (connectionId: string) => boolean;
  onChange: (call: PlacedLegs) => void;
}

/** Who ended a leg, for the records. */
type EndedBy = 'service' | 'caller' | 'far_end' | 'network';

export interface Switchboard {
  clock: Clock;
  place(script: CallScript): PlacedLegs;
  /** A call from the account to one of its own numbers: the outgoing leg and the incoming call. */
  dial(script: CallScript): { calling: PlacedLegs; called: PlacedLegs };
  addBLeg(caller: Leg, to: string, from: string, clientState: string | null): Leg;
  find(callControlId: string): Leg | undefined;
  living(): Leg[];
  emit: Emit;
  end(leg: Leg, by: EndedBy, facts: HangupFacts): void;
  /** Reports an event at which the script may make the caller hang up. */
  happened(leg: Leg, what: CallerHangup['when']): void;
  callerHangsUp(call: PlacedLegs): void;
  calls(): PlacedLegs[];
}

/** How long GET /calls/{id} still knows a call after its end. */
const REMEMBERED_MS = 600_000;
const COST_AFTER_MS = 100;

export function createSwitchboard(options: SwitchboardOptions): Switchboard {
  const { clock } = options;
  const { create, newLeg, legs, calls } = createPlaced(options);
  const emit = createEmit(options);

  function place(script: CallScript): PlacedLegs {
    return announce(create(script, 'incoming'));
  }

  function dial(script: CallScript): { calling: PlacedLegs; called: PlacedLegs } {
    const calling = create(script, 'outgoing');
    const { connectionId: _, clientState: __, ...rest } = script;
    const called = create(rest, 'incoming');
    calling.caller.peer = called.caller;
    called.caller.peer = calling.caller;
    return { calling: announce(calling), called: announce(called) };
  }

  function announce(call: PlacedLegs): PlacedLegs {
    emit(call.caller, 'call.initiated', initiatedPayload(call.caller));
    happened(call.caller, 'initiated');
    return call;
  }

  function addBLeg(caller: Leg, to: string, from: string, clientState: string | null): Leg {
    const far = newLeg(caller.call, { direction: 'outgoing', from, to, clientState });
    emit(far, 'call.initiated', initiatedPayload(far));
    return far;
  }

  function end(leg: Leg, by: EndedBy, facts: HangupFacts): void {
    if (leg.endedAt !== null) return;
    leg.endedAt = clock.stamp();
    silence(emit, leg);
    for (const takeBack of [...leg.pending]) takeBack();
    leg.pending.clear();
    if (leg.index === 0) closeBook(leg.call, by);
    emit(leg, 'call.hangup', hangupPayload(leg, facts));
    endOthers(leg, by);
    endPeer(leg, facts);
    if (leg.call.script.cost ?? options.costInWebhooks(leg.call.connectionId)) emitCost(leg);
    clock.afterReal(REMEMBERED_MS, () => legs.delete(leg.callControlId));
    options.onChange(leg.call);
  }

  /**
   * When the caller hangs up, the B-legs end too. When a B-leg ends, the caller's leg only ends if
   * they were bridged.
   */
  function endOthers(leg: Leg, by: EndedBy): void {
    const source = by === 'caller' ? 'caller' : by === 'service' ? 'unknown' : 'callee';
    const hung: HangupFacts = { cause: 'normal_clearing', source, sip: '200' };
    const cancelled: HangupFacts = { cause: 'originator_cancel', source: 'caller', sip: '487' };
    if (leg.index === 0) {
      for (const far of leg.call.legs.slice(1)) {
        far.bridged = false;
        end(far, by, far.answeredAt === null ? cancelled : hung);
      }
      return;
    }
    const { caller } = leg.call;
    if (!leg.bridged) return;
    leg.bridged = false;
    caller.bridged = false;
    if (!caller.parkAfterUnbridge) end(caller, by, hung);
  }

  /**
   * The other leg of a placed call ends too. If the called side ended it, its own cause is passed
   * on.
   */
  function endPeer({ peer, direction }: Leg, facts: HangupFacts): void {
    if (peer === null) return;
    if (direction === 'outgoing') callerHangsUp(peer.call);
    else end(peer, 'far_end', { ...facts, source: 'callee' });
  }

  function emitCost(leg: Leg): void {
    clock.after(COST_AFTER_MS, () => emit(leg, 'call.cost', costPayload(leg, clock.stamp())));
  }

  function happened(leg: Leg, what: CallerHangup['when']): void {
    if (what === 'answered') answerPeer(leg);
    const { call } = leg;
    const nth = (call.happenings.get(what) ?? 0) + 1;
    call.happenings.set(what, nth);
    for (const plan of [call.script.callerHangup ?? []].flat()) {
      if (plan.when !== what || (plan.nth ?? 1) !== nth) continue;
      clock.after(plan.afterMs ?? 0, () => callerHangsUp(call));
    }
  }

  function answerPeer({ peer }: Leg): void {
    if (peer === null || peer.answeredAt !== null || peer.endedAt !== null) return;
    peer.answeredAt = clock.stamp();
    peer.call.book.answeredAt = peer.answeredAt;
    emit(peer, 'call.answered', answeredPayload(peer));
  }

  function callerHangsUp(call: PlacedLegs): void {
    const answered = call.caller.answeredAt !== null;
    end(call.caller, 'caller', {
      cause: answered ? 'normal_clearing' : 'originator_cancel',
      source: 'caller',
      sip: answered ? '200' : '487',
    });
  }

  return {
    clock,
    place,
    dial,
    addBLeg,
    find: (id) => legs.get(id),
    living: () => [...legs.values()].filter(({ endedAt }) => endedAt === null),
    emit,
    end,
    happened,
    callerHangsUp,
    calls: () => calls,
  };
}

function closeBook(call: PlacedLegs, by: EndedBy): void {
  const { book } = call;
  book.endedAt = call.caller.endedAt;
  if (book.moved.length > 0) book.fate = 'moved';
  else if (by === 'service') book.fate = 'released';
  else if (by === 'caller') book.fate = 'left';
  else book.fate = 'dropped';
}
