/** Menus, prompts and what plays while a caller is moved. */
import { describe, expect, it } from 'vitest';
import type { Step } from '../../../src/core/machine/plan.ts';
import {
  ALIVE,
  DEAD,
  type Driver,
  decision,
  drive,
  looping,
  refer,
  rejected,
  SALES_MENU,
  say,
  stamp,
  transfer,
} from '../../helpers/machine.ts';

describe('menu', () => {
  it('takes the branch of the digits', () => {
    const d = drive(
      decision([
        {
          do: 'menu',
          text: 'Press 1 or 2.',
          voice: 'v',
          language: null,
          digits: { '1': [refer('one')], '2': [refer('two')] },
          tries: 2,
          timeoutMs: 8_000,
        },
        refer('else'),
      ]),
    );
    d.hook('call.initiated');
    d.hook('call.answered');
    expect(d.last('gather_using_speak')).toMatchObject({ validDigits: '12', digitsMax: 1 });
    d.hook('call.gather.ended', { digits: '2', status: 'valid' });
    expect(d.call.attempts[0]?.target).toBe('two');
  });
});

describe('the end of an earlier prompt that comes late', () => {
  const menu = (text: string) => ({
    do: 'menu' as const,
    text,
    voice: 'v',
    language: null,
    digits: { '1': [refer(`chosen in ${text}`)] },
    tries: 1,
    timeoutMs: 8_000,
  });

  it.each([
    { digits: '1', status: 'valid' },
    { digits: '', status: 'timeout' },
    { digits: '', status: 'call_hangup' },
  ])('chooses nothing in the next menu ($status)', (late) => {
    const d = drive(decision([menu('A'), menu('B'), refer('else')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    const { clientState } = d.last('gather_using_speak');
    d.fall('step');
    d.outcome(d.last('probe'), ALIVE);
    const second = d.last('gather_using_speak');
    d.accept(second);
    d.now += 100;
    d.hook('call.gather.ended', { ...late, clientState });
    expect(d.call).toMatchObject({ phase: 'gathering', probe: null, attempts: [] });
    d.hook('call.gather.ended', {
      digits: '1',
      status: 'valid',
      clientState: second.clientState,
    });
    expect(d.call.attempts).toMatchObject([{ target: 'chosen in B' }]);
  });

  it('does not cut off the words after it', () => {
    const d = drive(decision([say('A'), say('B'), { do: 'hangup' }]));
    d.hook('call.initiated');
    d.hook('call.answered');
    const { clientState } = d.last('speak');
    d.fall('step');
    d.accept(d.last('speak'));
    d.hook('call.speak.ended', { clientState });
    expect(d.call.phase).toBe('speaking');
    d.hook('call.speak.ended', { clientState: d.last('speak').clientState });
    expect(d.call.phase).toBe('releasing');
  });
});

describe('a REFER that Telnyx executes late, after the step behind it has begun', () => {
  const given = (step: Step) => {
    const d = drive(decision([refer('a', { timeoutMs: 5_000 }), step, refer('else')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    const late = d.last('refer');
    d.now += 5_000;
    d.outcome(late, { kind: 'unknown', detail: 'its time is over' }, d.now - 5_000);
    d.outcome(d.last('probe'), ALIVE);
    d.accept(d.last(step.do === 'play' ? 'playback_start' : 'gather_using_speak'));
    d.now += 4_000;
    return { d, clientState: late.clientState };
  };
  const targets = (d: Driver) => d.call.attempts.map(({ target }) => target);

  it('hides no key of a menu, whether its own event came before or not', () => {
    for (const failed of [true, false]) {
      const { d, clientState } = given(SALES_MENU);
      if (failed) d.hook('call.refer.failed', { sipNotifyResponse: 405, clientState });
      d.now += 1_000;
      d.hook('call.gather.ended', { digits: '1', status: 'valid', clientState });
      expect(targets(d)).toEqual(['a', 'sales']);
    }
  });

  it('hides no end of a recording: the caller would hear nothing for minutes', () => {
    const { d, clientState } = given({ do: 'play', url: 'https://example.com/a.mp3' });
    d.hook('call.playback.ended', { status: 'completed', clientState });
    expect(targets(d)).toEqual(['a', 'else']);
  });
});

describe('a key that was pressed while the network was away', () => {
  const away = (patienceMs = 120_000) => {
    const plan: Step[] = [SALES_MENU, refer('else')];
    const { policy } = decision([]);
    const d = drive(decision(plan, { policy: { ...policy, patienceMs } }));
    d.hook('call.initiated');
    d.hook('call.answered');
    const gather = d.last('gather_using_speak');
    d.accept(gather);
    d.fall('step');
    return { d, clientState: gather.clientState };
  };
  const targets = (d: Driver) => d.call.attempts.map(({ target }) => target);

  it('is waited for until Telnyx answers, and while it delivers again', () => {
    const { d, clientState } = away();
    for (let n = 0; n < 7; n += 1) d.fall('probing');
    expect(d.call.phase).toBe('gathering');
    d.outcome(d.last('probe'), ALIVE);
    expect(targets(d)).toEqual([]);
    d.now += 14_000;
    d.hook('call.gather.ended', { digits: '1', status: 'valid', clientState });
    expect(targets(d)).toEqual(['sales']);
  });

  it('is not waited for twice, nor where Telnyx answers at once', () => {
    const { d } = away();
    d.fall('probing');
    d.outcome(d.last('probe'), ALIVE);
    const back = d.now;
    d.fall('step');
    expect(d.now - back).toBe(15_000);
    expect(targets(d)).toEqual(['else']);

    const other = away().d;
    other.outcome(other.last('probe'), ALIVE);
    expect(targets(other)).toEqual(['else']);
  });

  it('is waited for no longer than patience, counted from the last webhook', () => {
    const { d } = away(45_000);
    const heard = d.call.heardAt ?? 0;
    while (d.call.phase === 'gathering') d.fall('probing');
    expect(targets(d)).toEqual(['else']);
    expect(d.now - heard).toBeGreaterThan(44_000);
    expect(d.now - heard).toBeLessThanOrEqual(60_000);
  });
});

describe('a voice that the caller cut off by hanging up', () => {
  const hungUpOn = () => {
    const d = drive(decision([say('Welcome.'), refer('a')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.accept(d.last('speak'));
    d.hook('call.speak.ended', { status: 'call_hangup' });
    return d;
  };

  it('waits for the hangup: no step, and nothing asked that could answer too early', () => {
    const d = hungUpOn();
    expect(d.commands.map(({ action }) => action)).toEqual(['answer', 'speak']);
    d.hook('call.hangup');
    expect(d.call).toMatchObject({ phase: 'ended', ends: 'abandoned' });
    expect(d.count('refer')).toBe(0);
  });

  it('leaves no question behind: unanswered, it would move the caller out of the next step', () => {
    const d = drive(decision([say('Hello.'), transfer('+14155550199'), refer('b')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.hook('call.speak.ended', { status: 'call_hangup' });
    d.outcome(d.last('speak'), rejected('90000'));
    expect(d.call.phase).toBe('transferring');
    // The probes get no answer, so only the attempt's timeout may end it.
    for (let falls = 0; d.call.attempts.length === 1; falls += 1) {
      expect(falls).toBeLessThan(20);
      d.fall();
    }
    expect(d.call.attempts).toMatchObject([{ verdict: 'no_verdict' }, { kind: 'refer' }]);
  });

  it('asks when the hangup does not come, and goes on only with a leg that lives', () => {
    const gone = hungUpOn();
    gone.fall();
    gone.outcome(gone.last('probe'), DEAD);
    expect(gone.call).toMatchObject({ phase: 'ended', ends: 'abandoned' });

    const there = hungUpOn();
    there.fall();
    there.outcome(there.last('probe'), ALIVE);
    expect(there.call.phase).toBe('referring');
  });
});

describe('while_moving', () => {
  it('ends where the call is left to another application', () => {
    const d = drive(
      decision([refer('a'), { do: 'ignore' }], {
        policy: looping('Please hold.'),
      }),
    );
    d.hook('call.initiated');
    d.hook('call.answered');
    d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
    expect(d.call.phase).toBe('unmanaged');
    expect(d.count('playback_stop')).toBe(1);
  });

  it('plays in a loop until the plan speaks, and the loop’s own end does not end the plan’s words', () => {
    const d = drive(
      decision([refer('a'), say('Sorry, nobody can take your call right now.'), { do: 'hangup' }], {
        policy: looping('Please hold.'),
      }),
    );
    d.hook('call.initiated');
    d.hook('call.answered');
    expect(d.last('speak')).toMatchObject({ loop: true, text: 'Please hold.' });
    d.hook('call.refer.failed', { sipNotifyResponse: 486, ...stamp(d) });
    const words = d.last('speak');
    expect(words).toMatchObject({ loop: false, stopOthers: true });
    d.accept(words);
    d.now += 50;
    d.hook('call.speak.ended', { clientState: words.clientState });
    expect(d.call.phase).toBe('speaking');
    d.now += 4_000;
    d.hook('call.speak.ended', { clientState: words.clientState });
    expect(d.call.phase).toBe('releasing');
  });
});
