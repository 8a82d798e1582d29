import { describe, expect, test } from 'vitest';
import { TIMELINE_ENTRIES_MAX } from '../../../src/store/rows/timeline-entry.ts';
import { aCall, anEntry, aUnit } from '../../helpers/documents.ts';
import { commit, load, run, store } from './scene.ts';

export function timelineContract(): void {
  describe('the timeline', () => {
    test('keeps every detail, in the order of the commits', async () => {
      const id = `${run}-call`;
      const full = anEntry(`${run}-1`, {
        source: 'outcome',
        type: 'outcome.refer',
        at: 2_000,
        occurredAt: 1_999.25,
        phaseBefore: 'new',
        phase: 'referring',
        notes: ['a', 'b'],
        commands: [{ id: 'c', action: 'refer', attempt: 'a' }],
        detail: { hangup_cause: 'user_busy', sip: 486, alive: true, none: null },
        trace: [{ rule: 'support', matched: true, why: 'to is +1' }],
      });
      const odd = anEntry(`${run}-2`, { key: 'another key', at: 1 });
      await commit(aUnit(aCall(id), 0, { events: [full] }));
      await commit(aUnit(aCall(id), 1, { events: [odd, anEntry(`${run}-3`)] }));
      expect(await store.timeline(id)).toEqual([full, odd, anEntry(`${run}-3`)]);
    });

    test('is bounded, and events past the bound are still known', async () => {
      const id = `${run}-call`;
      const events = Array.from({ length: TIMELINE_ENTRIES_MAX - 1 }, (_, i) => anEntry(`${i}`));
      await commit(aUnit(aCall(id), 0, { events }));
      await commit(aUnit(aCall(id), 1, { events: [anEntry('last'), anEntry('past')] }));
      await commit(aUnit(aCall(id), 2, { events: [anEntry('far past')] }));
      const timeline = await store.timeline(id);
      expect(timeline).toHaveLength(TIMELINE_ENTRIES_MAX);
      expect(timeline.at(-1)?.id).toBe('last');
      const key = 'call.initiated|far past';
      expect((await load({ events: [{ callId: id, key }] })).seen.size).toBe(1);
      const again = await commit(aUnit(aCall(id), 3, { events: [anEntry('far past')] }));
      expect(again.results).toEqual(['conflict']);
    });
  });
}
