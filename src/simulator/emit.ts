/** One event of a leg: it is numbered, meets its faults, is booked, and goes to the delivery. */
import { type BookedWebhook, bookFault, bookWebhook } from './books.ts';
import type { Clock } from './clock.ts';
import type { Delivery } from './delivery.ts';
import { strikes, webhookFate } from './faults.ts';
import { eventId } from './identity.ts';
import { basePayload, type Leg, type Payload } from './leg.ts';

export interface EmitOptions {
  salt: string;
  clock: Clock;
  delivery: Delivery;
  onEvent: (leg: Leg, type: string) => void;
}

export type Emit = (leg: Leg, type: `call.${string}`, payload: Payload) => void;

export function createEmit({ salt, clock, delivery, onEvent }: EmitOptions): Emit {
  return (leg, type, payload) => {
    const nth = (leg.eventCounts.get(type) ?? 0) + 1;
    leg.eventCounts.set(type, nth);
    const { call } = leg;
    if (type === 'call.hangup' && strikes(call.faults, 'hangup_forgotten', type, nth, leg.index)) {
      bookFault(call.book, `leg ${leg.index} ${type} ${nth}: hangup_forgotten`);
      return;
    }
    const fate = webhookFate(call.faults, type, leg.index, nth, {
      copies: call.script.copies ?? 1,
      shuffle: call.script.shuffle ?? false,
    });
    for (const kind of fate.struck) {
      bookFault(call.book, `leg ${leg.index} ${type} ${nth}: ${kind}`);
    }
    const id = eventId(salt, call.number, leg.index, type, nth);
    const occurredAt = clock.stamp();
    const full = { ...basePayload(leg), ...payload };
    const booked: BookedWebhook = bookWebhook(call.book, {
      id,
      type,
      leg: leg.callControlId,
      occurredAt,
      clientState: leg.clientState,
      faults: fate.struck,
      deliveries: [],
      outcome: 'pending',
    });
    // Telnyx writes keys in alphabetical order.
    const data = JSON.stringify({
      event_type: type,
      id,
      occurred_at: occurredAt,
      payload: Object.fromEntries(Object.entries(full).sort(([a], [b]) => (a < b ? -1 : 1))),
      record_type: 'event',
    });
    onEvent(leg, type);
    const { number: callNumber, connectionId } = call;
    delivery.send({ id, type, callNumber, connectionId, data, fate, booked });
  };
}
