import { describe, expect, test } from 'vitest';
import { foldCall } from '../../../src/core/recording/fold.ts';
import type { CommitUnit } from '../../../src/store/contract/calls.ts';
import { CODE_VERSION } from '../../../src/store/migrate.ts';
import { TIMELINE_ENTRIES_MAX } from '../../../src/store/rows/timeline-entry.ts';
import { aCall, anEntry, aUnit } from '../../helpers/documents.ts';
import { decision, drive, refer, stamp, webhook } from '../../helpers/machine.ts';
import { commit, opened, run, store } from './scene.ts';

export function recordingsContract(): void {
  describe('what was recorded', () => {
    test('comes back so that it gives the stored call again', async () => {
      const [unit, callId] = story();
      expect((await commit(unit)).results).toEqual(['committed']);
      const [recorded] = await store.recordings([callId]);
      if (recorded === undefined) throw new Error('it was just stored');
      expect(recorded).toMatchObject({ callId, recording: 'complete' });
      expect(recorded.events.map(({ event }) => event.type)).toEqual([
        'call.initiated',
        'command.accepted',
        'call.answered',
        'command.accepted',
        'call.refer.completed',
        'call.hangup',
      ]);
      const { differences, asked } = foldCall(recorded);
      expect(differences).toEqual([]);
      // Callers' texts come back unchanged, even half a surrogate pair and NUL.
      expect(asked[0]?.facts).toMatchObject({ from: '+14155550101', callerName: 'A\0\ud800' });
      const [other] = await store.recordings([callId]);
      expect(other).toEqual(recorded);
    });

    test('of many calls, in the order asked; unknown ones are absent', async () => {
      const ids = Array.from({ length: 120 }, (_, n) => `${run}-${n}`);
      const units = ids.map((id) => aUnit(aCall(id), 0, { events: [recordedEntry(`e-${id}`)] }));
      await commit(...units);
      const asked = [...ids.slice(60), `${run}-nobody`, ...ids.slice(0, 60)];
      const found = await store.recordings(asked);
      expect(found.map(({ callId }) => callId)).toEqual([...ids.slice(60), ...ids.slice(0, 60)]);
      expect(found.every(({ events }) => events.length === 1)).toBe(true);
      expect(await store.recordings([])).toEqual([]);
    });

    test('says of a call whether all of it was recorded', async () => {
      const many = Array.from({ length: TIMELINE_ENTRIES_MAX + 1 }, (_, n) =>
        recordedEntry(`${n}`),
      );
      await commit(
        aUnit(aCall(`${run}-long`), 0, { events: many }),
        aUnit(aCall(`${run}-older`), 0, { events: [anEntry('e')] }),
      );
      const newer = await opened.open({ codeVersion: CODE_VERSION + 1 });
      const ended = aCall(`${run}-newer`, { phase: 'ended', endedAt: 1 });
      await newer.commit([aUnit(ended, 0, { events: [recordedEntry('e')] })], null);
      const asked = [`${run}-long`, `${run}-older`, `${run}-newer`];
      const found = await store.recordings(asked);
      expect(found.map(({ recording }) => recording)).toEqual(['cut', 'older', 'newer']);
      expect(found.map(({ events }) => events.length)).toEqual([TIMELINE_ENTRIES_MAX, 0, 0]);
      // Only newer code can remove its own row.
      await newer.prune(2, 1);
      await newer.close();
    });
  });
}

const recordedEntry = (id: string) => anEntry(id, { recorded: {} });

/** A call that was moved, as one unit, with the test's own ids. */
function story(): [CommitUnit, string] {
  const d = drive(decision([refer('a')]));
  d.hook('call.initiated', {
    facts: { ...webhook('call.initiated').facts, callerName: 'A\0\ud800' },
    occurredAt: 999_990.25,
  });
  d.accept(d.last('answer'));
  d.hook('call.answered');
  d.accept(d.last('refer'));
  d.hook('call.refer.completed', { ...stamp(d), sipNotifyResponse: 200 });
  d.hook('call.hangup', { hangupCause: 'normal_clearing', hangupSource: 'caller' });
  return [aUnit(d.call, 0, { events: d.timeline }), d.call.id];
}
