/** Steps whose commands could not reach Telnyx for all of their time keep their turn. */
import { describe, expect, it } from 'vitest';
import type { Command, Outcome } from '../../../src/core/machine/command.ts';
import type { Step } from '../../../src/core/machine/plan.ts';
import {
  type Driver,
  decision,
  drive,
  looping,
  refer,
  SALES_MENU,
  say,
} from '../../helpers/machine.ts';

const UNREACHED: Outcome = {
  kind: 'retry',
  status: null,
  detail: 'ECONNREFUSED',
  afterMs: null,
  provenUnsent: true,
};
const RATE_LIMITED: Outcome = { ...UNREACHED, status: 429, afterMs: 60_000 };
const OVER: Outcome = { kind: 'unknown', detail: 'never sent; the time of its step is over' };

function answered(plan: Step[], more: Parameters<typeof decision>[1] = {}): Driver {
  const d = drive(decision(plan, more));
  d.hook('call.initiated');
  d.hook('call.answered');
  return d;
}

/** The last command of this kind cannot be sent for all of its time; each try ends like this. */
function neverSent(d: Driver, action: Command['action'], tried: Outcome | null = UNREACHED): void {
  const command = d.last(action);
  const put = (outcome: Outcome) =>
    d.put({
      source: 'outcome',
      id: `outcome:${command.id}:${outcome.kind}`,
      callId: command.callId,
      type: `command.${outcome.kind}`,
      receivedAt: d.now,
      occurredAt: null,
      commandId: command.id,
      legId: command.legId,
      action: command.action,
      outcome,
      firstSentAt: null,
    });
  if (tried !== null) put(tried);
  d.now = Math.max(d.now, command.giveUpAt ?? d.now);
  put(OVER);
}

const targets = (d: Driver) => d.call.attempts.map(({ target }) => target);
const manual = (d: Driver, target: string) =>
  d.put({
    source: 'manual',
    id: 'manual:1',
    callId: d.call.id,
    type: 'manual.refer',
    receivedAt: d.now,
    occurredAt: null,
    step: refer(target),
  });

describe('a target that Telnyx was never asked for', () => {
  it.each([UNREACHED, null])('keeps its turn, and is moved to when it can be (%j)', (tried) => {
    const d = answered([refer('a'), refer('b')]);
    neverSent(d, 'refer', tried);
    neverSent(d, 'refer', tried);
    expect(targets(d)).toEqual(['a', 'a', 'a']);
    d.accept(d.last('refer'));
    expect(d.call).toMatchObject({ phase: 'referring', plan: [{ steps: [{ target: 'b' }] }] });
  });

  it('keeps it until patience ends, and then the last resort runs', () => {
    const d = answered([refer('a'), refer('b')]);
    for (let n = 0; n < 3; n += 1) neverSent(d, 'refer');
    expect(targets(d)).toEqual(['a', 'a', 'a', 'a']);
    d.fall('patience');
    for (let n = 0; n < 3; n += 1) if (d.call.probe !== null) d.fall('probing');
    expect(d.call.lastResortRan).toBe(true);
  });

  it('loses it where Telnyx answers, but limits our rate: other steps may pass', () => {
    const d = answered([refer('a'), refer('b')]);
    neverSent(d, 'refer', RATE_LIMITED);
    expect(targets(d)).toEqual(['a', 'b']);
  });

  it('has no turn to keep if an operator asked for it', () => {
    const d = answered([say('One moment.'), refer('b')]);
    manual(d, 'c');
    neverSent(d, 'refer');
    expect(targets(d)).toEqual(['c']);
    expect(d.call.phase).toBe('speaking');
  });
});

describe('a prompt that Telnyx was never asked for', () => {
  it.each<[Command['action'], Step]>([
    ['speak', say('Welcome.')],
    ['playback_start', { do: 'play', url: 'https://example.com/a.mp3' }],
    ['gather_using_speak', SALES_MENU],
  ])('keeps its turn, and is heard once it can be: %s', (action, step) => {
    const d = answered([step, refer('next')]);
    for (let n = 0; n < 6; n += 1) neverSent(d, action);
    expect(targets(d)).toEqual([]);
    const { clientState } = d.last(action);
    d.accept(d.last(action));
    d.now += 5_000;
    const ended = { speak: 'speak', playback_start: 'playback', gather_using_speak: 'gather' };
    const type = `call.${ended[action as keyof typeof ended]}.ended`;
    d.hook(type, { clientState, digits: '1', status: step.do === 'menu' ? 'valid' : 'completed' });
    expect(targets(d)).toEqual([step.do === 'menu' ? 'sales' : 'next']);
    // Its waiting uses up nobody's patience.
    expect(d.call.deadlines.find(({ name }) => name === 'patience')?.dueAt).toBe(d.now + 120_000);
  });

  it('keeps it before the first move for as long as patience, counted from the last webhook', () => {
    const d = answered([SALES_MENU, refer('next')]);
    for (let n = 0; n < 12; n += 1) neverSent(d, 'gather_using_speak');
    expect(targets(d)).toEqual(['next']);

    const pressing = answered([SALES_MENU, refer('next')]);
    for (let n = 0; n < 12; n += 1) {
      pressing.hook('call.dtmf.received', { digits: '1' });
      neverSent(pressing, 'gather_using_speak');
    }
    expect(targets(pressing)).toEqual([]);
  });

  it('keeps it between two targets until patience ends, and the last words for longer', () => {
    const d = answered([refer('a'), say('Sorry, one moment.'), refer('b')]);
    d.accept(d.last('refer'));
    d.now += 30_000;
    d.hook('call.refer.failed', {
      sipNotifyResponse: 486,
      clientState: d.last('refer').clientState,
    });
    neverSent(d, 'speak');
    neverSent(d, 'speak');
    expect(d.last('speak')).toMatchObject({ text: 'Sorry, one moment.' });
    d.fall('patience');
    neverSent(d, 'speak');
    expect(d.call.lastResortRan).toBe(true);
    // Telnyx would not be reached by the hangup either.
    for (let n = 0; n < 40; n += 1) neverSent(d, 'speak');
    expect(d.call.phase).toBe('speaking');
    for (let n = 0; n < 40; n += 1) if (d.call.phase === 'speaking') neverSent(d, 'speak');
    expect(d.call.phase).toBe('releasing');
    expect(d.now - (d.call.heardAt ?? 0)).toBe(600_000);
  });

  it.each<[string, Step[]]>([
    ['a hangup', [say('We are closed.'), { do: 'hangup' }]],
    ['a rejection', [say('We are closed.'), { do: 'reject', cause: 'busy' }]],
    ['the end of the last resort', [{ do: 'play', url: 'https://example.com/closed.mp3' }]],
  ])('is heard before %s, however long patience is', (_, plan) => {
    const { policy } = decision([]);
    const lastResort: Step[] = [{ do: 'hangup' }];
    const d = answered(plan, { policy: { ...policy, patienceMs: 5_000 }, lastResort });
    const action = plan[0]?.do === 'play' ? 'playback_start' : 'speak';
    for (let n = 0; n < 6; n += 1) neverSent(d, action);
    expect(d.call.phase).toBe('speaking');
  });

  it('loses it where Telnyx answers, but limits our rate', () => {
    const d = answered([say('Welcome.'), refer('next')]);
    neverSent(d, 'speak', RATE_LIMITED);
    expect(targets(d)).toEqual(['next']);
  });

  it('is heard after the manual refer that interrupted it has failed', () => {
    const d = answered([SALES_MENU, refer('next')]);
    manual(d, 'hand');
    neverSent(d, 'gather_using_speak');
    d.hook('call.refer.failed', {
      sipNotifyResponse: 486,
      clientState: d.last('refer').clientState,
    });
    expect(d.call.phase).toBe('gathering');
    expect(d.count('gather_using_speak')).toBe(2);
    d.accept(d.last('gather_using_speak'));
    const { clientState } = d.last('gather_using_speak');
    d.hook('call.gather.ended', { clientState, digits: '1', status: 'valid' });
    expect(targets(d)).toEqual(['hand', 'sales']);
  });
});

describe('the loop of while_moving', () => {
  const move = [refer('a'), SALES_MENU];
  const policy = looping('Please hold.');

  it('starts once Telnyx can be reached, though the REFER was sent before', () => {
    const d = answered(move, { policy });
    neverSent(d, 'speak');
    expect(d.count('speak')).toBe(2);
    d.accept(d.last('refer'));
    expect(d.last('speak')).toMatchObject({ loop: true, giveUpAt: d.now + 10_000 });
  });

  it('starts with the next target if our rate was limited', () => {
    const d = answered([refer('a'), refer('b')], { policy });
    neverSent(d, 'speak', RATE_LIMITED);
    expect(d.count('speak')).toBe(1);
    d.accept(d.last('refer'));
    d.hook('call.refer.failed', {
      sipNotifyResponse: 486,
      clientState: d.last('refer').clientState,
    });
    expect(d.count('speak')).toBe(2);
  });

  it('is stopped before a menu is spoken, also if the stop could not be sent at first', () => {
    const d = answered(move, { policy });
    d.accept(d.last('speak'));
    d.accept(d.last('refer'));
    d.hook('call.refer.failed', {
      sipNotifyResponse: 486,
      clientState: d.last('refer').clientState,
    });
    neverSent(d, 'playback_stop');
    neverSent(d, 'playback_stop');
    expect(d.count('gather_using_speak')).toBe(0);
    d.accept(d.last('playback_stop'));
    expect(d.count('gather_using_speak')).toBe(1);
  });
});

describe('an answer that could not be sent', () => {
  it('is sent again, so that the caller hears the menu', () => {
    const d = drive(decision([SALES_MENU, refer('next')]));
    d.hook('call.initiated');
    neverSent(d, 'answer');
    neverSent(d, 'answer');
    expect(d.call).toMatchObject({ phase: 'answering', answered: false, probe: null });
    expect(d.count('answer')).toBe(3);
    d.accept(d.last('answer'));
    d.hook('call.answered');
    expect(d.call.phase).toBe('gathering');
  });

  it('is asked about once nothing was heard of the caller for as long as patience', () => {
    const d = drive(decision([SALES_MENU, refer('next')]));
    d.hook('call.initiated');
    for (let n = 0; n < 4; n += 1) neverSent(d, 'answer');
    expect(d.count('answer')).toBe(4);
    expect(d.count('probe')).toBe(1);
  });
});
