/** Transfers: ringing, bridged, refused. */
import { describe, expect, it } from 'vitest';
import {
  ALIVE,
  DEAD,
  type Driver,
  decision,
  drive,
  refer,
  say,
  transfer,
} from '../../helpers/machine.ts';

describe('transfer', () => {
  function transferring(): Driver {
    const d = drive(decision([transfer('+14155550199'), say('Sorry.'), { do: 'hangup' }]));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.accept(d.last('transfer'));
    return d;
  }
  const far = (
    d: Driver,
    type: string,
    hangupCause: string | null = null,
    sipHangupCause: string | null = null,
  ) =>
    d.put({
      source: 'b_leg',
      id: `far-${type}`,
      callId: d.call.id,
      type,
      receivedAt: 0,
      occurredAt: null,
      bLegId: 'v3:far',
      attemptId: d.call.attempts[0]?.id ?? null,
      hangupCause,
      sipHangupCause,
    });

  it('is through when it is bridged', () => {
    const d = transferring();
    far(d, 'call.initiated');
    far(d, 'call.answered');
    d.hook('call.bridged');
    expect(d.call).toMatchObject({ phase: 'bridged', attempts: [{ verdict: 'completed' }] });
    d.hook('call.hangup');
    expect(d.call.ends).toBe('transferred');
  });

  it('ends by the B-leg’s hangup cause, and the plan goes on', () => {
    const d = transferring();
    far(d, 'call.initiated');
    far(d, 'call.hangup', 'user_busy');
    expect(d.call).toMatchObject({ phase: 'speaking', attempts: [{ verdict: 'busy' }] });
  });

  it('hangs up the B-leg before the next step when its time is up', () => {
    const d = transferring();
    far(d, 'call.initiated');
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    d.outcome(d.last('active_calls'), { kind: 'unknown', detail: 'HTTP 404' });
    expect(d.last('hangup')).toMatchObject({ legId: 'v3:far' });
    expect(d.call.phase).toBe('speaking');
  });

  it('lets them talk where the B-leg answered and the news of the bridge was lost', () => {
    const d = transferring();
    far(d, 'call.initiated');
    far(d, 'call.answered');
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    expect(d.call).toMatchObject({ phase: 'bridged', attempts: [{ verdict: 'completed' }] });
    expect(d.count('hangup')).toBe(0);
    far(d, 'call.hangup', 'normal_clearing');
    d.hook('call.hangup');
    expect(d.call.ends).toBe('transferred');
  });

  it('releases a caller whom the B-leg left alone', () => {
    const d = transferring();
    far(d, 'call.initiated');
    d.hook('call.bridged');
    far(d, 'call.hangup', 'normal_clearing');
    d.fall('referred');
    d.outcome(d.last('probe'), ALIVE);
    expect(d.call.phase).toBe('releasing');
    d.hook('call.hangup');
    expect(d.call.ends).toBe('transferred');
  });

  it('has talked where the B-leg’s hangup overtakes the bridge', () => {
    for (const [callerGoesToo, answerLost] of [[true], [false], [true, true]]) {
      const d = transferring();
      far(d, 'call.initiated');
      if (!answerLost) far(d, 'call.answered');
      far(d, 'call.hangup', 'normal_clearing', answerLost ? '200' : null);
      expect(d.call.attempts).toMatchObject([{ verdict: 'other' }]);
      if (callerGoesToo) d.hook('call.hangup');
      d.hook('call.bridged');
      if (!callerGoesToo) d.fall('referred');
      if (!callerGoesToo) d.outcome(d.last('probe'), DEAD);
      expect(d.call).toMatchObject({ ends: 'transferred', attempts: [{ verdict: 'completed' }] });
    }
  });
});

describe('a bridge that is reported late', () => {
  /** The first B-leg answered and hung up at once, and the caller is being moved to the next. */
  const movedOn = () => {
    const d = drive(decision([transfer('+14155550198'), transfer('+14155550199'), say('Sorry.')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    const first = d.last('transfer');
    d.accept(first);
    const far = (id: string, bLegId: string, type: string, sipHangupCause: string | null = null) =>
      d.put({
        source: 'b_leg',
        id: `${bLegId}-${type}`,
        callId: d.call.id,
        type,
        receivedAt: 0,
        occurredAt: null,
        bLegId,
        attemptId: id,
        hangupCause: sipHangupCause === null ? null : 'normal_clearing',
        sipHangupCause,
      });
    const bridgedAt = d.now + 5_000;
    d.now += 5_500;
    far(first.id, 'v3:first', 'call.hangup', '200');
    d.now += 100;
    const next = d.last('transfer');
    d.accept(next);
    return { d, first, next, bridgedAt, far };
  };

  it.each(['its envelope', 'its time'])('is that of the transfer that %s names', (by) => {
    const { d, first, next, bridgedAt, far } = movedOn();
    const { clientState } = by === 'its envelope' ? first : { clientState: null };
    d.hook('call.bridged', { clientState, occurredAt: by === 'its time' ? bridgedAt : null });
    expect(d.call).toMatchObject({
      phase: 'transferring',
      attempts: [{ verdict: 'completed' }, { verdict: null }],
    });
    // The next B-leg only rang: the caller is not released, as after a conversation.
    far(next.id, 'v3:next', 'call.hangup', '486');
    expect(d.call.phase).toBe('speaking');
  });

  it('is that of the newest where nothing says which', () => {
    const { d } = movedOn();
    d.hook('call.bridged');
    expect(d.call.phase).toBe('bridged');
  });
});

it('a bridge reported late does not undo that a REFER completed', () => {
  const d = drive(decision([refer('a'), transfer('+14155550199')]));
  d.hook('call.initiated');
  d.hook('call.answered');
  d.accept(d.last('refer'));
  d.fall('attempt');
  d.outcome(d.last('probe'), ALIVE);
  d.accept(d.last('transfer'));
  d.hook('call.hangup');
  d.hook('call.refer.completed');
  expect(d.call.ends).toBe('referred');
  d.hook('call.bridged');
  expect(d.call.ends).toBe('referred');
  expect(d.call.attempts.map(({ verdict }) => verdict)).toEqual(['completed', 'completed']);
});
