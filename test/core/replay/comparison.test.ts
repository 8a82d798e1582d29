import { describe, expect, it } from 'vitest';
import { compareCalls } from '../../../src/core/replay/comparison.ts';
import { happened, type Replayed } from '../../../src/core/replay/replay.ts';
import { recordCall } from '../../helpers/recorded-call.ts';
import { refer, routeSet, rule } from '../../helpers/route-set.ts';

const SET = routeSet([rule('support', [], [refer('us')])]);

function callNamed(callId: string) {
  return recordCall(SET, { facts: { callId } });
}

function replayed(more: Partial<Replayed>): Replayed {
  return { ...happened(callNamed('v3:any')), ...more };
}

describe('a comparison', () => {
  it('counts changes by rule and target, with some calls to open', () => {
    const comparing = compareCalls();
    const before = replayed({});
    const gone = replayed({ rule: null, target: null, attempts: [], ends: 'rejected', moves: 0 });
    const moved = replayed({ target: 'eu', attempts: ['eu'], assumed: ['eu'] });
    comparing.add(callNamed('v3:same'), { before, after: before });
    comparing.add(callNamed('v3:moved'), { before, after: moved });
    for (let n = 1; n <= 7; n += 1) comparing.add(callNamed(`v3:${n}`), { before, after: gone });
    comparing.skip('unmanaged');
    expect(comparing.result()).toMatchObject({
      calls: 10,
      same: 1,
      differs: 8,
      skipped: 1,
      changes: [
        {
          before: { rule: 'support', target: 'us' },
          after: { rule: 'otherwise', target: null },
          calls: 7,
          examples: ['v3:1', 'v3:2', 'v3:3', 'v3:4', 'v3:5'],
        },
        { after: { rule: 'support', target: 'eu' }, calls: 1, examples: ['v3:moved'] },
      ],
      ends: { before: { referred: 9 }, after: { referred: 2, rejected: 7 } },
      moves: { before: 9, after: 2 },
      truncated: false,
    });
    expect(comparing.result().list[0]).toEqual({
      call_control_id: 'v3:moved',
      from: '+14155550101',
      to: '+14155550100',
      at: '2026-03-02T15:00:00.000Z',
      before: { rule: 'support', attempts: ['us'], ends: 'referred' },
      after: { rule: 'support', attempts: ['eu'], ends: 'referred' },
      assumed: ['eu'],
    });
  });

  it('keeps no more than it may, and says so', () => {
    const comparing = compareCalls({ listMax: 2, changesMax: 1, examplesMax: 1 });
    const before = replayed({});
    for (let n = 1; n <= 3; n += 1) {
      const after = replayed({ target: `sip:${n}`, attempts: [`sip:${n}`] });
      comparing.add(callNamed(`v3:${n}`), { before, after });
    }
    const { list, changes, differs, truncated } = comparing.result();
    expect([list.length, changes.length, differs, truncated]).toEqual([2, 1, 3, true]);
  });
});
