/** The calls that were placed, and their legs as long as Telnyx knows them. */
import { newBook } from './books.ts';
import type { Clock } from './clock.ts';
import type { FaultRates } from './faults.ts';
import { CONNECTION_ID, legIds, sessionId } from './identity.ts';
import type { Leg, PlacedLegs } from './leg.ts';
import type { CallScript } from './script.ts';

export interface PlacedOptions {
  seed: number;
  /** Distinguishes runs with the same seed that use the same database. */
  salt: string;
  rates: FaultRates;
  clock: Clock;
  /** The connection of the called number; null: it belongs to no application of the account. */
  connectionOf: (to: string) => string | null;
}

export interface Placed {
  create(script: CallScript, direction: Leg['direction']): PlacedLegs;
  newLeg(call: PlacedLegs, given: GivenLeg): Leg;
  calls: PlacedLegs[];
  /** By call_control_id. */
  legs: Map<string, Leg>;
}

type GivenLeg = Pick<Leg, 'direction' | 'from' | 'to' | 'clientState'>;

export function createPlaced(options: PlacedOptions): Placed {
  const { seed, salt, rates, clock, connectionOf } = options;
  const legs = new Map<string, Leg>();
  const calls: PlacedLegs[] = [];

  function create(script: CallScript, direction: Leg['direction']): PlacedLegs {
    const number = calls.length + 1;
    const session = sessionId(salt, number);
    const from = script.from ?? `+1415555${String(number % 10_000).padStart(4, '0')}`;
    const to = script.to ?? '+14155550100';
    // A leg refers to its call and the call to its first leg, so one of the two is set afterwards.
    const call = {
      number,
      script,
      sessionId: session,
      connectionId: script.connectionId ?? connectionOf(to) ?? CONNECTION_ID,
      legs: [] as Leg[],
      faults: { seed, rates, callNumber: number, scripted: script.faults ?? [] },
      moves: new Map<string, number>(),
      happenings: new Map<string, number>(),
      gathers: 0,
    } as unknown as PlacedLegs;
    call.caller = newLeg(call, {
      direction,
      from,
      to,
      clientState: script.clientState ?? null,
    });
    call.book = newBook(call, from, to);
    calls.push(call);
    return call;
  }

  function newLeg(call: PlacedLegs, given: GivenLeg): Leg {
    const index = call.legs.length;
    const leg: Leg = {
      ...legIds(salt, call.number, index),
      index,
      ...given,
      startedAt: clock.stamp(),
      answeredAt: null,
      endedAt: null,
      executed: new Map(),
      requestCounts: new Map(),
      eventCounts: new Map(),
      answering: false,
      voices: [],
      gather: null,
      pending: new Set(),
      bridged: false,
      parkAfterUnbridge: false,
      peer: null,
      call,
    };
    call.legs.push(leg);
    legs.set(leg.callControlId, leg);
    return leg;
  }

  return { create, newLeg, calls, legs };
}
