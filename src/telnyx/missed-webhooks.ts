/**
 * `GET /webhook_deliveries`: what Telnyx tried and failed to deliver. The webhook is the `data` of
 * the body.
 */
import type { Missed } from '../core/recovery.ts';
import { asArray, asObject, field } from './fields.ts';
import { parseOccurredAt } from './occurred-at.ts';
import { parseEvent } from './webhook.ts';

/** Every call event type that the machine or the call records use. */
export const CALL_EVENT_TYPES: readonly string[] = [
  'call.initiated',
  'call.answered',
  'call.bridged',
  'call.hangup',
  'call.refer.started',
  'call.refer.completed',
  'call.refer.failed',
  'call.speak.started',
  'call.speak.ended',
  'call.playback.started',
  'call.playback.ended',
  'call.gather.ended',
  'call.dtmf.received',
  'call.cost',
];

/** Call events, and the number of other entries: those not about a call, and unreadable ones. */
export interface MissedPage {
  missed: Missed[];
  unusable: number;
}

/** Null if this is not a page of deliveries. */
export function readMissed(body: unknown, receivedAt: number): MissedPage | null {
  const data = asObject(body)?.data;
  if (!Array.isArray(data)) return null;
  const page: MissedPage = { missed: [], unusable: 0 };
  for (const entry of asArray(data)) {
    const delivery = asObject(entry) ?? {};
    // We request only failed deliveries, but a server may ignore that filter.
    if (field(delivery, 'status') === 'delivered') continue;
    const parsed = parseEvent({ data: field(delivery, 'webhook') }, receivedAt);
    if (parsed.kind === 'call') {
      const triedAt = parseOccurredAt(field(delivery, 'started_at'));
      page.missed.push({ event: parsed.event, triedAt });
    } else {
      page.unusable += 1;
    }
  }
  return page;
}
