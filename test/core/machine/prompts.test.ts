/** Prompts reach Telnyx in our order, and outdated ones are cancelled. */
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../../src/core/machine/command.ts';
import type { Step } from '../../../src/core/machine/plan.ts';
import {
  type Driver,
  decision,
  drive,
  refer,
  rejected,
  say,
  transfer,
} from '../../helpers/machine.ts';

const RETRY: Outcome = {
  kind: 'retry',
  status: 500,
  detail: 'HTTP 500',
  afterMs: null,
  provenUnsent: false,
};
const MENU: Step = {
  do: 'menu',
  text: 'For sales press 1.',
  voice: 'v',
  language: null,
  digits: { '1': [refer('one')] },
  tries: 1,
  timeoutMs: 5_000,
};

function moving(plan: Step[]): Driver {
  const { policy } = decision([]);
  const d = drive(decision(plan, { policy: { ...policy, whileMoving: say('Please hold.') } }));
  d.hook('call.initiated');
  d.hook('call.answered');
  return d;
}

function fails(d: Driver): void {
  d.accept(d.last('refer'));
  d.hook('call.refer.failed', { sipNotifyResponse: 486 });
}

describe('the loop of while_moving', () => {
  it('whose start waits for its retry is taken back by the next words', () => {
    const d = moving([refer('a'), say('Sorry.')]);
    const loop = d.last('speak');
    expect(loop).toMatchObject({ loop: true });
    d.outcome(loop, RETRY);
    fails(d);
    expect(d.cancelled).toContain(loop.id);
    // It may have been executed anyway.
    expect(d.last('speak')).toMatchObject({ text: 'Sorry.', stopOthers: true });
  });

  it('is stopped before a menu speaks, and the menu waits until that is through', () => {
    const d = moving([refer('a'), MENU]);
    d.accept(d.last('speak'));
    fails(d);
    const stop = d.last('playback_stop');
    d.outcome(stop, RETRY);
    expect(d.count('gather_using_speak')).toBe(0);
    d.accept(stop);
    expect(d.count('gather_using_speak')).toBe(1);
    expect(d.call.phase).toBe('gathering');
  });

  it.each<Outcome>([
    { kind: 'unknown', detail: 'its time is over' },
    {
      kind: 'rejected',
      status: 422,
      code: '90000',
      detail: 'nothing plays',
      callEnded: false,
      notAnswered: false,
      misconfigured: null,
    },
  ])('that could not be stopped does not keep the menu back: $kind', (outcome) => {
    const d = moving([refer('a'), MENU]);
    d.accept(d.last('speak'));
    fails(d);
    d.now += 10_000;
    d.outcome(d.last('playback_stop'), outcome);
    expect(d.last('gather_using_speak').giveUpAt).toBe(d.now + 10_000);
    // The step's time starts when its prompt could be sent.
    const due = d.call.deadlines.find(({ name }) => name === 'step')?.dueAt ?? 0;
    expect(due - d.now).toBeGreaterThan(20_000);
  });

  it('does not hold up the REFER', () => {
    const d = moving([refer('a')]);
    d.outcome(d.last('speak'), RETRY);
    expect(d.count('refer')).toBe(1);
  });
});

describe('the loop of while_moving that Telnyx accepts late', () => {
  it('does not play into a conversation', () => {
    const d = moving([transfer('+14155550199')]);
    d.accept(d.last('transfer'));
    d.hook('call.bridged');
    d.accept(d.last('playback_stop'));
    d.accept(d.last('speak'));
    expect(d.count('playback_stop')).toBe(2);
    d.accept(d.last('playback_stop'));
    expect(d.count('playback_stop')).toBe(2);
  });

  it('does not play into a conversation where only its start is reported', () => {
    const d = moving([transfer('+14155550199')]);
    const loop = d.last('speak');
    d.accept(d.last('transfer'));
    d.hook('call.bridged');
    d.accept(d.last('playback_stop'));
    d.outcome(loop, RETRY);
    d.hook('call.speak.started', { clientState: loop.clientState });
    expect(d.count('playback_stop')).toBe(2);
    // What somebody else plays to them is theirs.
    d.hook('call.speak.started', { clientState: d.last('playback_stop').clientState });
    expect(d.count('playback_stop')).toBe(2);
  });

  it('leaves the call of another application as it was', () => {
    const { policy } = decision([]);
    const whileMoving = say('Please hold.');
    const plan: Step[] = [refer('a'), { do: 'ignore' }];
    const d = drive(decision(plan, { policy: { ...policy, whileMoving } }));
    d.hook('call.initiated', { clientState: 'dGhlaXJz' });
    d.hook('call.answered');
    fails(d);
    expect(d.call.phase).toBe('unmanaged');
    d.accept(d.last('playback_stop'));
    d.accept(d.last('speak'));
    expect(d.last('playback_stop')).toMatchObject({ clientState: 'dGhlaXJz' });
  });
});

describe('a prompt that may still be playing when its time is over', () => {
  const unheard = (plan: Step[]) => {
    const d = drive(decision(plan));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.now += 10_000;
    d.outcome(d.last('speak'), { kind: 'unknown', detail: 'its time is over' }, d.now - 10_000);
    return d;
  };
  const words = say('Sorry, nobody can take your call right now.');

  it('is stopped by the next words, which its end does not cut off', () => {
    const d = unheard([say('Hello.'), words, { do: 'hangup' }]);
    const next = d.last('speak');
    expect(next).toMatchObject({ text: words.text, stopOthers: true });
    d.accept(next);
    d.now += 1_000;
    d.hook('call.speak.ended', { status: 'completed', clientState: next.clientState });
    expect(d.call.phase).toBe('speaking');
    d.now += 3_000;
    d.hook('call.speak.ended', { status: 'completed', clientState: next.clientState });
    expect(d.call.phase).toBe('releasing');
  });

  it('is not stopped where its end was reported or nothing of it was played', () => {
    const ended = drive(decision([say('Hello.'), words]));
    const refused = drive(decision([say('Hello.'), words]));
    for (const d of [ended, refused]) {
      d.hook('call.initiated');
      d.hook('call.answered');
    }
    ended.hook('call.speak.ended', { status: 'completed' });
    refused.outcome(refused.last('speak'), rejected('90000'));
    for (const d of [ended, refused]) expect(d.last('speak')).toMatchObject({ stopOthers: false });
  });
});

describe('the last words before the caller is let go', () => {
  const unknown: Outcome = { kind: 'unknown', detail: 'its time is over' };
  const closed = (...before: Step[]) => {
    const d = drive(decision([...before, say('We are closed.'), { do: 'hangup' }]));
    d.hook('call.initiated');
    d.hook('call.answered');
    return d;
  };
  const noAnswer = (d: Driver) => {
    d.now += 10_000;
    d.outcome(d.last('speak'), unknown, d.now - 10_000);
  };

  it('come once more where nothing shows that Telnyx executed them', () => {
    const d = closed();
    noAnswer(d);
    expect(d.last('speak')).toMatchObject({ text: 'We are closed.', stopOthers: true });
    expect(d.count('speak')).toBe(2);
    // A Telnyx that answers no prompt keeps nobody waiting.
    noAnswer(d);
    if (d.call.phase === 'speaking') d.fall('step');
    expect(d.count('speak')).toBe(2);
    expect(d.call.phase).toBe('releasing');
  });

  it('come only once where their start was reported', () => {
    const d = closed();
    d.hook('call.speak.started', { clientState: d.last('speak').clientState });
    noAnswer(d);
    expect(d.count('speak')).toBe(1);
  });

  it('are not held up by other words of unknown outcome, nor is a move', () => {
    const d = closed(say('Welcome.'), refer('a'));
    noAnswer(d);
    if (d.call.phase === 'speaking') d.fall('step');
    expect(d.count('speak')).toBe(1);
    expect(d.count('refer')).toBe(1);
  });
});

describe('short words after a loop', () => {
  it.each([
    { status: 'completed', afterMs: 400 },
    { status: 'cancelled', afterMs: 3_000 },
  ])('are not ended by the end of the loop: $status after $afterMs ms', ({ status, afterMs }) => {
    const d = moving([refer('a'), say('Sorry.'), refer('b')]);
    d.accept(d.last('speak'));
    fails(d);
    const own = d.last('speak');
    d.accept(own);
    d.now += afterMs;
    d.hook('call.speak.ended', { status, clientState: own.clientState });
    expect(d.call.phase).toBe('speaking');
    d.now += 1_000;
    d.hook('call.speak.ended', { status: 'completed', clientState: own.clientState });
    expect(d.count('refer')).toBe(2);
  });
});

it('words that Telnyx accepts late are not ended by the end of the loop, however long it took', () => {
  const d = moving([refer('a'), say('Sorry.'), refer('b')]);
  d.accept(d.last('speak'));
  fails(d);
  const own = d.last('speak');
  const ended = () =>
    d.hook('call.speak.ended', { status: 'completed', clientState: own.clientState });
  d.now += 4_000;
  ended();
  expect(d.count('refer')).toBe(1);
  d.accept(own);
  d.now += 1_000;
  ended();
  expect(d.count('refer')).toBe(2);
});

describe('the end of a recording', () => {
  const play: Step = { do: 'play', url: 'https://example.com/a.mp3' };
  const ended = (d: Driver, status: string, clientState: string | null) =>
    d.hook('call.playback.ended', { status, clientState });

  it('counts where its first request was refused as not answered', () => {
    const d = drive(decision([play, refer('a')]));
    d.hook('call.initiated');
    d.hook('call.answered');
    d.outcome(d.last('playback_start'), rejected('90034'));
    d.hook('call.answered');
    const again = d.last('playback_start');
    d.accept(again);
    d.now += 500;
    ended(d, 'completed', again.clientState);
    expect(d.count('refer')).toBe(1);
  });

  const afterTheLoop = () => {
    const { policy } = decision([]);
    const whileMoving = { do: 'play' as const, url: 'https://example.com/hold.mp3' };
    const d = drive(
      decision([refer('a'), play, refer('b')], { policy: { ...policy, whileMoving } }),
    );
    d.hook('call.initiated');
    d.hook('call.answered');
    const loop = d.last('playback_start');
    d.accept(loop);
    fails(d);
    const step = d.last('playback_start');
    d.accept(step);
    d.now += 500;
    return { d, loop, step };
  };

  it('counts after the loop’s own end, whichever envelope that carries', () => {
    const { d, loop, step } = afterTheLoop();
    ended(d, 'cancelled', loop.clientState);
    expect(d.count('refer')).toBe(1);
    ended(d, 'completed', step.clientState);
    expect(d.count('refer')).toBe(2);
    const other = afterTheLoop();
    ended(other.d, 'cancelled', other.step.clientState);
    expect(other.d.count('refer')).toBe(1);
    ended(other.d, 'completed', other.step.clientState);
    expect(other.d.count('refer')).toBe(2);
  });

  it('counts where the loop’s end was lost', () => {
    const { d, step } = afterTheLoop();
    ended(d, 'completed', step.clientState);
    expect(d.count('refer')).toBe(2);
  });

  it.each(['failed', 'file_not_found'])(
    'counts if it says %s, though nothing reported the end of the loop before',
    (status) => {
      const { d, loop, step } = afterTheLoop();
      // That of the loop, which came late, says nothing about the recording.
      ended(d, status, loop.clientState);
      expect(d.count('refer')).toBe(1);
      ended(d, status, step.clientState);
      expect(d.count('refer')).toBe(2);
      const lost = afterTheLoop();
      ended(lost.d, status, lost.step.clientState);
      expect(lost.d.count('refer')).toBe(2);
    },
  );

  it('is not waited for where nobody knows whether it began', () => {
    const unknown: Outcome = { kind: 'unknown', detail: 'its time is over' };
    const silent = drive(decision([play, refer('a')]));
    silent.hook('call.initiated');
    silent.hook('call.answered');
    silent.outcome(silent.last('playback_start'), unknown);
    const started = silent.now;
    silent.fall('step');
    expect(silent.now - started).toBe(5_000);
    expect(silent.count('refer')).toBe(1);

    const heard = drive(decision([play, refer('a')]));
    heard.hook('call.initiated');
    heard.hook('call.answered');
    const { clientState } = heard.last('playback_start');
    heard.hook('call.playback.started', { clientState });
    heard.outcome(heard.last('playback_start'), unknown);
    heard.fall('step');
    expect(heard.now - started).toBe(180_000);
  });
});

it('a menu that waits for its turn goes with the call', () => {
  const d = moving([refer('a'), MENU]);
  d.accept(d.last('speak'));
  fails(d);
  expect(d.call.parked).toHaveLength(1);
  d.hook('call.hangup');
  expect(d.call.parked).toEqual([]);
  d.accept(d.last('playback_stop'));
  expect(d.count('gather_using_speak')).toBe(0);
});
