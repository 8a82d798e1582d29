/** The caller hangs up at any time. */
import { describe, expect, it } from 'vitest';
import { ALIVE, DEAD, decision, drive, refer, referring, rejected } from '../../helpers/machine.ts';

describe('the caller leaves', () => {
  it('abandoned, before any REFER was accepted', () => {
    const d = drive(decision([refer('a')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    const out = d.hook('call.hangup', { hangupCause: 'originator_cancel' });
    expect(d.call).toMatchObject({ ends: 'abandoned', attempts: [{ verdict: 'abandoned' }] });
    expect(out.cancel).toContain(d.last('refer').id);
  });

  it('unconfirmed, while an accepted REFER had no final event', () => {
    const d = referring(refer('a'), refer('b'));
    d.hook('call.hangup');
    expect(d.call).toMatchObject({ ends: 'unconfirmed', attempts: [{ verdict: 'no_verdict' }] });
    expect(d.count('refer')).toBe(1);
  });

  it('unconfirmed too, where the hangup overtook the answer to our request by a moment', () => {
    const quick = drive(decision([refer('a')]));
    const slow = drive(decision([refer('a')]));
    for (const d of [quick, slow]) {
      d.hook('call.initiated');
      d.hook('call.answered');
      d.hook('call.hangup');
      expect(d.call.ends).toBe('abandoned');
    }
    quick.now += 20;
    quick.accept(quick.last('refer'));
    expect(quick.call).toMatchObject({
      ends: 'unconfirmed',
      attempts: [{ verdict: 'no_verdict' }],
    });
    slow.now += 2_000;
    slow.accept(slow.last('refer'));
    expect(slow.call).toMatchObject({ ends: 'abandoned', attempts: [{ verdict: 'abandoned' }] });
  });

  it('counts as arrived where the target says so', () => {
    const d = referring(refer('a', { byeWithoutVerdict: 'completed' }));
    d.hook('call.hangup');
    expect(d.call).toMatchObject({ ends: 'referred', attempts: [{ verdict: 'completed' }] });
  });

  it('was answered, also if Telnyx reports the answer after the hangup', () => {
    const d = drive(decision([refer('a')]));
    d.hook('call.initiated');
    d.hook('call.hangup', { hangupSource: 'caller' });
    expect(d.call.answered).toBe(false);
    d.hook('call.answered');
    expect(d.call).toMatchObject({ phase: 'ended', ends: 'abandoned', answered: true });
    expect(d.count('refer')).toBe(0);
  });

  it('a final event within 30 s still corrects it, later ones are recorded only', () => {
    const early = referring(refer('a'));
    early.hook('call.hangup');
    early.now += 29_000;
    early.hook('call.refer.failed', { sipNotifyResponse: 487 });
    expect(early.call).toMatchObject({ ends: 'abandoned', attempts: [{ verdict: 'abandoned' }] });

    const late = referring(refer('a'));
    late.hook('call.hangup');
    late.now += 31_000;
    late.hook('call.refer.failed', { sipNotifyResponse: 487 });
    expect(late.call).toMatchObject({ ends: 'unconfirmed', attempts: [{ verdict: 'no_verdict' }] });
    late.hook('call.refer.completed', { sipNotifyResponse: 200 });
    expect(late.call).toMatchObject({ ends: 'referred', attempts: [{ verdict: 'completed' }] });
  });

  it('failed, if the last resort had run when the REFER that rang turns out to have failed', () => {
    const d = referring(refer('a'));
    d.hook('call.refer.started', { sipNotifyResponse: 180 });
    d.fall('attempt');
    d.outcome(d.last('probe'), ALIVE);
    expect(d.call.lastResortRan).toBe(true);
    d.hook('call.hangup', { hangupSource: 'caller' });
    expect(d.call.ends).toBe('unconfirmed');
    d.hook('call.refer.failed', { sipNotifyResponse: 486 });
    expect(d.call.ends).toBe('failed');
  });

  it('is found dead by a probe, the same as a hangup seen late', () => {
    const d = referring(refer('a'), refer('b'));
    d.fall('attempt');
    d.outcome(d.last('probe'), DEAD);
    expect(d.call).toMatchObject({ phase: 'ended', ends: 'unconfirmed' });
    expect(d.count('refer')).toBe(1);
    expect(d.notices.map(({ kind }) => kind)).toContain('found_dead');
  });

  it('is reported by 90018 on a command', () => {
    const d = drive(decision([refer('a'), refer('b')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.outcome(d.last('refer'), rejected('90018'));
    expect(d.call).toMatchObject({ phase: 'ended', ends: 'abandoned' });
  });

  it('an initiated after the hangup is recorded only', () => {
    const d = drive(decision([refer('a')]));
    d.hook('call.hangup');
    d.hook('call.initiated');
    expect(d.call).toMatchObject({ phase: 'ended', ends: 'ignored' });
    expect(d.commands).toEqual([]);
  });
});
