/** Which attempt an event belongs to. */
import { describe, expect, it } from 'vitest';
import {
  ALIVE,
  type Driver,
  decision,
  drive,
  looping,
  refer,
  referring,
  stamp,
} from '../../helpers/machine.ts';

describe('correlation', () => {
  /** Attempt a timed out without any event; attempt b is open. */
  function twoOpen(): Driver {
    const d = referring(refer('a'), refer('b'), refer('c'));
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    d.now += 100;
    d.accept(d.last('refer'));
    return d;
  }

  it('a failed closes the oldest attempt that still owes its final event', () => {
    const d = twoOpen();
    d.hook('call.refer.failed', { sipNotifyResponse: 404, ...stamp(d) });
    expect(d.call.attempts).toMatchObject([{ verdict: 'not_found' }, { verdict: null }]);
    d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
    expect(d.call.attempts.map(({ verdict }) => verdict)).toEqual(['not_found', 'busy', null]);
  });

  it('each event says which attempt it speaks of, for the story of the call', () => {
    const d = twoOpen();
    const [a, b] = d.call.attempts;
    const failed = { sipNotifyResponse: 486 };
    expect(d.hook('call.refer.failed', { ...failed, ...stamp(d) }).attemptId).toBe(a?.id);
    expect(d.hook('call.refer.failed', { ...failed, ...stamp(d) }).attemptId).toBe(b?.id);
    expect(d.accept(d.last('refer')).attemptId).toBe(d.last('refer').id);
    expect(d.fall('attempt').attemptId).toBe(d.last('refer').id);
    expect(d.hook('call.refer.failed', { clientState: null }).attemptId).not.toBe(a?.id);
    expect(d.hook('call.dtmf.received').attemptId).toBeNull();
  });

  it('a completed of the older attempt ends the plan and leaves the newer 30 s', () => {
    const d = twoOpen();
    d.hook('call.refer.completed', { occurredAt: 999_000, sipNotifyResponse: 200, ...stamp(d) });
    expect(d.call).toMatchObject({
      phase: 'referred',
      attempts: [{ verdict: 'completed' }, { verdict: null }],
    });
    d.fall('final');
    expect(d.call.attempts[1]?.verdict).toBe('no_verdict');
  });

  it('while_moving does not speak for an attempt: what comes with its envelope counts for the open one', () => {
    const d = drive(decision([refer('a'), refer('b')], { policy: looping('Hold.') }));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.accept(d.last('refer'));
    const ofTheLoop = { clientState: d.last('speak').clientState };
    d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
    d.accept(d.last('refer'));
    // A late repetition of a speak command has set the leg's client_state again.
    d.hook('call.refer.completed', { sipNotifyResponse: 200, ...ofTheLoop });
    expect(d.call.attempts.map(({ verdict }) => verdict)).toEqual(['busy', 'completed']);
  });

  it('a completed overwrites the verdict of the attempt it names, and ends the plan of a newer one', () => {
    const d = referring(refer('a'), refer('b'));
    const ofTheFirst = stamp(d);
    d.hook('call.refer.failed', { sipNotifyResponse: 486, ...ofTheFirst });
    d.accept(d.last('refer'));
    d.now += 100;
    d.hook('call.refer.completed', { sipNotifyResponse: 200, occurredAt: d.now, ...ofTheFirst });
    expect(d.call.attempts.map(({ verdict }) => verdict)).toEqual(['completed', null]);
    expect(d.call.phase).toBe('referred');
  });

  it('a final event delivered twice stays with its attempt, though a newer one is open', () => {
    const d = referring(refer('a'), refer('b'));
    const ofTheFirst = { ...stamp(d), sipNotifyResponse: 486, occurredAt: d.now };
    d.now += 100;
    d.hook('call.refer.failed', ofTheFirst);
    d.accept(d.last('refer'));
    d.hook('call.refer.failed', ofTheFirst);
    expect(d.call.attempts.map(({ verdict }) => verdict)).toEqual(['busy', null]);
  });

  it('a REFER that never left is owed nothing: the next one’s failure is its own', () => {
    const d = drive(decision([refer('a'), refer('b'), refer('c')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    const lost = d.last('refer');
    d.put({
      source: 'outcome',
      id: 'never sent',
      callId: lost.callId,
      type: 'command.unknown',
      receivedAt: d.now,
      occurredAt: null,
      legId: lost.legId,
      commandId: lost.id,
      action: 'refer',
      outcome: { kind: 'unknown', detail: 'never sent; the time of its step is over' },
      firstSentAt: null,
    });
    d.accept(d.last('refer'));
    d.hook('call.refer.failed', { ...stamp(d), sipNotifyResponse: 486 });
    expect(d.call.attempts.map(({ verdict }) => verdict)).toEqual(['no_verdict', 'busy', null]);
  });

  it('where events carry no envelope, one whose request is unanswered may be what rings', () => {
    const moveOn = { timeoutMs: 3_000, ifFailed: { no_verdict: [refer('b'), refer('c')] } };
    const newer = referring(refer('a', moveOn));
    newer.fall('attempt');
    newer.outcome(newer.last('probe'), ALIVE);
    // The target of b rings before the answer to its request is there.
    newer.hook('call.refer.started', { sipNotifyResponse: 180 });
    newer.accept(newer.last('refer'));
    newer.fall('attempt');
    newer.outcome(newer.last('probe'), ALIVE);
    expect(newer.count('refer')).toBe(2);

    const older = drive(
      decision([
        refer('a', { timeoutMs: 3_000 }),
        refer('b', { ifFailed: { no_verdict: [refer('c')] } }),
      ]),
    );
    older.hook('call.initiated');
    older.hook('call.answered');
    // The process that sent a's request died.
    older.fall('attempt');
    older.outcome(older.last('probe'), ALIVE);
    older.accept(older.last('refer'));
    older.hook('call.refer.started', { sipNotifyResponse: 180 });
    older.fall('attempt');
    older.outcome(older.last('probe'), ALIVE);
    expect(older.count('refer')).toBe(2);
  });

  it('without an envelope of ours an event counts only for the one open attempt', () => {
    const one = referring(refer('a'), refer('b'));
    one.hook('call.refer.failed', { sipNotifyResponse: 486, clientState: 'c29tZWJvZHk=' });
    expect(one.call.attempts[0]?.verdict).toBe('busy');
    const two = twoOpen();
    two.hook('call.refer.failed', { sipNotifyResponse: 486 });
    expect(two.call.attempts.map(({ verdict }) => verdict)).toEqual(['no_verdict', null]);
  });
});
