/** An operator hangs a call up, or takes the caller out of an attempt that hangs. */
import { describe, expect, it } from 'vitest';
import { outcomeOfCall, summaryOf } from '../../../src/core/machine/caller-outcome.ts';
import {
  CALL,
  type Driver,
  decision,
  drive,
  refer,
  referring,
  say,
  stamp,
  transfer,
} from '../../helpers/machine.ts';

function act(d: Driver, act: 'hangup' | 'next') {
  const common = { id: `operator:${d.commands.length}`, receivedAt: 0, occurredAt: null };
  const said = { by: 'anna', reason: 'it hangs' };
  return d.put({ ...common, ...said, source: 'operator', callId: CALL, type: `operator.${act}` });
}

describe('hanging up', () => {
  it('ends a call that hears something as hung up', () => {
    const d = drive(decision([say('A long text.'), refer('a')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    expect(act(d, 'hangup').refused).toBeNull();
    expect(d.call.phase).toBe('releasing');
    expect(d.last('hangup').legId).toBe(CALL);
    d.hook('call.hangup');
    expect(d.call).toMatchObject({ phase: 'ended', ends: 'hung_up', attempts: [] });
    expect(d.timeline.at(-2)?.detail).toEqual({ by: 'anna', reason: 'it hangs' });
  });

  it('is said to be what ended the call, not the rule or the caller', () => {
    const d = drive(decision([say('A long text.'), transfer('a')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    const before = structuredClone(d.call);
    act(d, 'hangup');
    d.hook('call.hangup');
    expect(summaryOf(d.call)).toMatch(/^Turned away after .*: an operator hung up\.$/);
    expect(before.releasedByOperator).toBe(false);

    const moving = drive(decision([transfer('a')]));
    moving.hook('call.initiated');
    moving.hook('call.answered');
    act(moving, 'hangup');
    moving.hook('call.hangup', { hangupSource: 'callee' });
    expect(summaryOf(moving.call)).toMatch(/a was still being tried; an operator hung up\.$/);
    expect(moving.call.attempts[0]?.reason).toBe('the leg ended while the B-leg rang');
  });

  it('changes nothing about a call that a step has hung up already', () => {
    const d = drive(decision([{ do: 'hangup' }]));
    d.hook('call.initiated');
    act(d, 'hangup');
    d.hook('call.hangup');
    expect(summaryOf(d.call)).not.toMatch(/operator/);
  });

  it('ends a call of another application too', () => {
    const d = drive(decision([{ do: 'ignore' }]));
    d.hook('call.initiated');
    act(d, 'hangup');
    d.hook('call.hangup');
    expect(d.call.ends).toBe('hung_up');
  });

  it('does not claim that nobody was reached when a REFER was accepted', () => {
    const d = referring(refer('a'));
    act(d, 'hangup');
    d.hook('call.hangup');
    expect(d.call.ends).toBe('unconfirmed');
  });

  it.each([487, 486])(
    'is not the caller’s own hangup when the REFER then fails with %i',
    (code) => {
      const d = referring(refer('a'));
      act(d, 'hangup');
      d.hook('call.hangup');
      d.hook('call.refer.failed', { sipNotifyResponse: code, ...stamp(d) });
      expect([d.call.ends, outcomeOfCall(d.call)]).toEqual(['hung_up', 'not_reached']);
    },
  );

  it('is not the BYE of a target that hangs up when it has taken the caller', () => {
    const d = referring(refer('a', { byeWithoutVerdict: 'completed' }));
    act(d, 'hangup');
    d.hook('call.hangup');
    expect(d.call).toMatchObject({ ends: 'unconfirmed', attempts: [{ verdict: 'no_verdict' }] });
  });

  it('leaves a caller who arrived reached', () => {
    const d = referring(refer('a'));
    d.hook('call.refer.completed', { sipNotifyResponse: 200, ...stamp(d) });
    act(d, 'hangup');
    d.hook('call.hangup');
    expect([d.call.ends, outcomeOfCall(d.call)]).toEqual(['referred', 'reached']);
  });

  it('is sent again for a call that does not go, and refused for one that has gone', () => {
    const d = drive(decision([{ do: 'hangup' }]));
    d.hook('call.initiated');
    act(d, 'hangup');
    expect(d.count('hangup')).toBe(2);
    d.hook('call.hangup');
    expect(act(d, 'hangup').refused).toBe('ended');
  });
});

describe('going on to the next step', () => {
  it('is refused while the target of a REFER may answer', () => {
    const d = referring(refer('a', { timeoutMs: 60_000 }), refer('b'));
    expect(act(d, 'next').refused).toBe('may_answer');
    d.hook('call.refer.started', { sipNotifyResponse: 180, ...stamp(d) });
    d.now += 40_000;
    expect(act(d, 'next').refused).toBe('may_answer');
    expect(d.count('refer')).toBe(1);
  });

  it('takes the caller out of a REFER that was silent for 32 s', () => {
    const d = referring(refer('a', { timeoutMs: 60_000 }), refer('b'));
    d.now += 33_000;
    expect(act(d, 'next').refused).toBeNull();
    expect(d.call.attempts).toMatchObject([
      { target: 'a', verdict: 'no_verdict' },
      { target: 'b', verdict: null },
    ]);
    expect(d.call.attempts[0]?.reason).toContain('operator');
  });

  it('hangs up a B-leg that rings before the caller is moved on', () => {
    const d = drive(decision([transfer('+14155550199'), refer('b')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.accept(d.last('transfer'));
    expect(act(d, 'next').refused).toBe('may_answer');
    rings(d, 'call.initiated');
    expect(act(d, 'next').refused).toBeNull();
    expect(d.last('hangup').legId).toBe('v3:far');
    expect(d.count('refer')).toBe(0);
    d.accept(d.last('hangup'));
    expect(d.count('refer')).toBe(1);
  });

  it.each([false, true])(
    'moves the caller on although the B-leg answers before its hangup is executed (heard late: %s)',
    (late) => {
      const d = drive(decision([transfer('+14155550199'), refer('b')]));
      d.hook('call.initiated');
      d.hook('call.answered');
      d.accept(d.last('transfer'));
      rings(d, 'call.initiated');
      act(d, 'next');
      if (!late) rings(d, 'call.answered');
      expect(d.call.phase).toBe('transferring');
      d.accept(d.last('hangup'));
      if (late) rings(d, 'call.answered');
      rings(d, 'call.hangup');
      expect(d.call.phase).toBe('referring');
      expect(d.call.attempts.map(({ verdict }) => verdict)).toEqual(['no_verdict', null]);
    },
  );

  it('unless the two are bridged before that hangup is executed', () => {
    const d = drive(decision([transfer('+14155550199'), refer('b')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.accept(d.last('transfer'));
    rings(d, 'call.initiated');
    act(d, 'next');
    rings(d, 'call.answered');
    d.hook('call.bridged');
    expect(d.call).toMatchObject({ phase: 'bridged', attempts: [{ verdict: 'completed' }] });
    expect(d.cancelled).toContain(d.last('hangup').id);
    expect(d.count('refer')).toBe(0);
  });

  it('is refused once the B-leg has answered, and where nobody is being moved', () => {
    const d = drive(decision([transfer('+14155550199'), refer('b')]));
    d.hook('call.initiated');
    expect(act(d, 'next').refused).toBe('no_attempt');
    d.hook('call.answered');
    rings(d, 'call.answered');
    expect(act(d, 'next').refused).toBe('may_answer');
    d.hook('call.hangup');
    expect(act(d, 'next').refused).toBe('ended');
  });
});

function rings(d: Driver, type: string): void {
  const none = { hangupCause: null, sipHangupCause: null, attemptId: null, occurredAt: null };
  const common = { callId: CALL, receivedAt: 0, bLegId: 'v3:far' };
  d.put({ ...common, ...none, source: 'b_leg', id: `far-${type}`, type });
}
