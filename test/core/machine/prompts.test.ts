/** Prompts reach Telnyx in our order, and what has been overtaken is taken back. */
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../../src/core/machine/command.ts';
import type { Step } from '../../../src/core/machine/plan.ts';
import { type Driver, decision, drive, refer, say } from '../../helpers/machine.ts';

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
    // It may have run all the same.
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
    // The step has its whole time from when its words could leave.
    const due = d.call.deadlines.find(({ name }) => name === 'step')?.dueAt ?? 0;
    expect(due - d.now).toBeGreaterThan(20_000);
  });

  it('does not hold up the REFER', () => {
    const d = moving([refer('a')]);
    d.outcome(d.last('speak'), RETRY);
    expect(d.count('refer')).toBe(1);
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
