/** In whatever order and however often missed events arrive later, the call is the same. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { WebhookEvent } from '../../../src/core/machine/event.ts';
import { CALL, type Driver, decision, drive, refer, say, webhook } from '../../helpers/machine.ts';

const PLAN = decision([refer('a'), say('One moment.'), refer('b')]);
const LIVING = { recovered: { living: new Set([CALL]) } };
const GONE = { recovered: { living: new Set<string>() } };

const LATER: [string, Partial<WebhookEvent>][] = [
  ['call.answered', {}],
  ['call.refer.started', { sipNotifyResponse: 180 }],
  ['call.refer.failed', { sipNotifyResponse: 486 }],
  ['call.refer.completed', { sipNotifyResponse: 200 }],
  ['call.speak.started', {}],
  ['call.speak.ended', { status: 'completed' }],
  ['call.dtmf.received', { digits: '1' }],
  ['call.hangup', { hangupSource: 'caller' }],
];
const later = fc.array(fc.integer({ min: 0, max: LATER.length - 1 }), { maxLength: 12 });

function eventsOf(indexes: number[]): WebhookEvent[] {
  const types = [['call.initiated', {}] as const, ...indexes.flatMap((n) => LATER.slice(n, n + 1))];
  return types.map(([type, more], n) =>
    webhook(type, { id: `event-${n}`, occurredAt: 1_000_000 + n * 100, ...more }),
  );
}

/** Like the store, ignores a second delivery. */
function deliver(d: Driver, seen: Set<string>, event: WebhookEvent): void {
  const key = `${event.type}|${event.id}`;
  if (seen.has(key)) return;
  seen.add(key);
  d.now += 50;
  d.put(event);
}

test('events of a leg that lives are handled as if they had been delivered', () => {
  fc.assert(
    fc.property(later, fc.array(fc.boolean(), { maxLength: 13 }), (indexes, missed) => {
      const inTime = drive(PLAN);
      const recovered = drive(PLAN);
      for (const [n, event] of eventsOf(indexes).entries()) {
        deliver(inTime, new Set(), event);
        deliver(recovered, new Set(), missed[n] ? { ...event, ...LIVING } : event);
      }
      expect({ ...recovered.call, heardAt: null }).toEqual({ ...inTime.call, heardAt: null });
      expect(recovered.commands).toEqual(inTime.commands);
    }),
  );
});

test('a caller who had gone before anything was heard is missed, whatever comes when', () => {
  const order = fc.array(fc.nat(), { minLength: 0, maxLength: 40 });
  fc.assert(
    fc.property(later, order, (indexes, picks) => {
      const events = eventsOf(indexes);
      const d = drive(() => {
        throw new Error('nothing is decided for somebody who has gone');
      });
      const seen = new Set<string>();
      // The first event comes from recovery; the others also as late deliveries and repetitions.
      for (const pick of picks) {
        const event = events[pick % events.length];
        if (event === undefined) continue;
        const known = seen.has(`${events[0]?.type}|${events[0]?.id}`);
        deliver(d, seen, known && pick % 2 === 0 ? event : { ...event, ...GONE });
      }
      for (const event of events) deliver(d, seen, { ...event, ...GONE });
      expect(d.call).toMatchObject({ phase: 'ended', ends: 'missed', deadlines: [] });
      expect(d.call.outstanding).toEqual([]);
      expect(d.commands).toEqual([]);
    }),
  );
});

test('nothing is sent for a leg that has gone, and what was settled is not undone', () => {
  fc.assert(
    fc.property(later, later, (heard, missed) => {
      const d = drive(PLAN);
      const seen = new Set<string>();
      const all = eventsOf([...heard, ...missed]);
      const inTime = all.slice(0, heard.length + 1);
      for (const event of inTime) deliver(d, seen, event);
      const commands = d.commands.length;
      const arrived = d.call.ends === 'referred' || d.call.phase === 'referred';
      const lost = all.slice(heard.length + 1);
      for (const event of lost) deliver(d, seen, { ...event, ...GONE });
      expect(d.commands).toHaveLength(commands);
      if (lost.length === 0) return;
      expect(d.call).toMatchObject({ phase: 'ended', deadlines: [] });
      expect(d.call.ends).not.toBe('missed');
      if (arrived) expect(d.call.ends).toBe('referred');
      expect(d.call.outstanding).toEqual([]);
    }),
  );
});
