/**
 * Reads what the store knows of missed events and live legs, in pieces, so that no webhook waits
 * behind it.
 */
import type { Call } from '../../core/machine/call.ts';
import type { WebhookEvent } from '../../core/machine/event.ts';
import { type LoadKeys, loadKeys } from '../../store/contract/calls.ts';
import type { Store } from '../../store/store.ts';
import { deliveryKey, eventRef } from '../receiving/timeline.ts';
import type { Known } from './recover.ts';

const CHUNK = 100;

export function knownOf(
  store: Pick<Store, 'load'>,
): (events: WebhookEvent[], legIds: string[]) => Promise<Known> {
  return async (events, legIds) => {
    const calls = new Map<string, Call>();
    const seen = new Set<string>();
    const legs = piecesOf(legIds, (callIds) => loadKeys({ callIds }));
    for (const keys of [...piecesOf(events, eventKeys), ...legs]) {
      const loaded = await store.load(keys);
      for (const [id, { call }] of loaded.calls) calls.set(id, call);
      for (const key of loaded.seen) seen.add(key);
    }
    return { calls, holds: (event) => seen.has(deliveryKey(event)) };
  };
}

function piecesOf<T>(all: T[], keysOf: (some: T[]) => LoadKeys): LoadKeys[] {
  const pieces: LoadKeys[] = [];
  for (let from = 0; from < all.length; from += CHUNK) {
    pieces.push(keysOf(all.slice(from, from + CHUNK)));
  }
  return pieces;
}

function eventKeys(events: WebhookEvent[]): LoadKeys {
  const sessions = events.flatMap(({ facts }) => facts.sessionId ?? []);
  return loadKeys({
    callIds: [...new Set(events.map(({ callId }) => callId))],
    sessionIds: [...new Set(sessions)],
    events: events.map(eventRef),
  });
}
