/** A resting target is skipped, but a caller always has at least one target to try. */
import { describe, expect, it } from 'vitest';
import type { Step } from '../../../src/core/machine/plan.ts';
import { byTransfer, decision, drive, refer, say, stamp, transfer } from '../../helpers/machine.ts';

/** An answered call whose plan has run as far as possible while these targets rest. */
function hunt(resting: string[], ...steps: Step[]) {
  const d = drive(decision(steps));
  d.resting = (target) => (resting.includes(target) ? `${target} rests` : null);
  d.hook('call.initiated');
  d.accept(d.last('answer'));
  d.hook('call.answered');
  return d;
}

const tried = (d: ReturnType<typeof hunt>) =>
  d.call.attempts.map(({ target, sipAddress, verdict }) => `${target ?? sipAddress} ${verdict}`);

describe('a target that rests', () => {
  it('is skipped with the reason, costs nothing, and the next one is tried at once', () => {
    const d = hunt(['a'], refer('a'), refer('b'));
    expect(tried(d)).toEqual(['a skipped', 'b null']);
    expect(d.call.attempts[0]).toMatchObject({ unsent: true, reason: 'a rests', acceptedAt: null });
    expect(d.count('refer')).toBe(1);
    expect(d.timeline.at(-1)?.notes.join()).toContain('refer to a: skipped (a rests)');
  });

  it.each<[string, Step[]]>([
    ['nobody follows', [refer('a')]],
    ['the others rest too', [refer('a'), refer('b')]],
    ['it is named twice', [refer('a'), say('Once more.'), refer('a')]],
    ['the call would be hung up first', [refer('a'), { do: 'hangup' }, refer('c')]],
    [
      'only a menu follows, of which nobody knows what will be pressed',
      [
        refer('a'),
        {
          do: 'menu',
          text: 'Press 1.',
          voice: 'v',
          language: null,
          digits: { 1: [refer('c')] },
          tries: 1,
          timeoutMs: 5_000,
        },
      ],
    ],
    [
      'the branch that follows lets the caller go',
      [refer('a', { ifFailed: { any: [say('Sorry.'), { do: 'hangup' }] } }), refer('c')],
    ],
    [
      'the branch that follows ends without continue',
      [refer('a', { ifFailed: { any: [say('Sorry.')] } }), refer('c')],
    ],
    [
      'another that rests leads into such a branch',
      [refer('a'), refer('b', { ifFailed: { any: [say('Sorry.')] } }), refer('c')],
    ],
    ['the one that follows is impossible', [refer('a'), refer('c', { problem: 'no such user' })]],
  ])('is tried where %s', (_, steps) => {
    const d = hunt(['a', 'b'], ...steps);
    expect(tried(d)).toEqual(['a null']);
  });

  it('is tried where it is in a branch that ends without continue', () => {
    const busy = (...steps: Step[]) => {
      const d = hunt(['a'], refer('b', { ifFailed: { busy: steps } }), refer('c'));
      d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
      return tried(d);
    };
    expect(busy(refer('a'), say('Sorry.'))).toEqual(['b busy', 'a null']);
    expect(busy(refer('a'), { do: 'continue' })).toEqual(['b busy', 'a skipped', 'c null']);
  });

  it('is skipped where a branch leads back to the list', () => {
    const steps = [refer('a', { ifFailed: { any: [{ do: 'continue' }] } }), refer('c')];
    expect(tried(hunt(['a'], ...steps))).toEqual(['a skipped', 'c null']);
  });

  it('is tried where the one that follows is over its budget', () => {
    const d = drive(decision([refer('a'), transfer('+14155550123', { target: 'b' })]));
    d.resting = (target) => (target === 'a' ? 'a rests' : null);
    d.overBudget = (kind) => (kind === 'transfer' ? 'the hour is used up' : null);
    d.hook('call.initiated');
    d.hook('call.answered');
    expect(tried(d)).toEqual(['a null']);
  });

  it('leads into the branch any, or to the sibling of a pick before that', () => {
    expect(tried(hunt(['a'], refer('a', { ifFailed: { any: [refer('b')] } })))).toEqual([
      'a skipped',
      'b null',
    ]);
    const picked = refer('a', { sibling: true, ifFailed: { any: [refer('c')] } });
    expect(tried(hunt(['a'], picked, refer('b')))).toEqual(['a skipped', 'b null']);
    // A named branch is for attempts that were made.
    const named = refer('a', { ifFailed: { server_error: [refer('c')] } });
    expect(tried(hunt(['a'], named, refer('b')))).toEqual(['a skipped', 'b null']);
  });

  it('is skipped where a later one is awake, also behind others that rest', () => {
    const d = hunt(['a', 'b'], refer('a'), refer('b'), transfer('+14155550123'));
    expect(tried(d)).toEqual(['a skipped', 'b skipped', '+14155550123 null']);
  });

  it('is tried by a manual refer', () => {
    const d = hunt([], refer('b'));
    d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
    d.resting = () => 'it rests';
    const step = refer('a');
    d.put({
      source: 'manual',
      id: 'm',
      callId: d.call.id,
      type: 'manual.refer',
      receivedAt: d.now,
      occurredAt: null,
      step,
    });
    expect(tried(d).at(-1)).toBe('a null');
  });
});

describe('a REFER that is known to be refused on this connection', () => {
  const known = (...steps: Step[]) => {
    const d = drive(decision(steps));
    d.refusesRefers = (connection, target) => `${target} refused ${connection}`;
    d.hook('call.initiated');
    d.hook('call.answered');
    return d;
  };

  it('is not sent where via or if_failed.not_allowed has a transfer, which is taken at once', () => {
    for (const d of [
      known(refer('a', { otherWay: byTransfer('a') })),
      known(refer('a', { ifFailed: { not_allowed: [transfer('+14155550123')] } }), refer('b')),
    ]) {
      expect([d.count('refer'), d.count('transfer')]).toEqual([0, 1]);
      expect(d.call.attempts).toMatchObject([
        { kind: 'refer', verdict: 'skipped', reason: 'a refused 1684641123236054244' },
        { kind: 'transfer', verdict: null },
      ]);
    }
  });

  it('is sent where no transfer follows, or none is allowed any more', () => {
    expect(known(refer('a'), transfer('+14155550123')).count('refer')).toBe(1);
    const refused = transfer('+14155550123', { problem: 'not allowed' });
    expect(known(refer('a', { ifFailed: { not_allowed: [refused] } })).count('refer')).toBe(1);
  });
});
