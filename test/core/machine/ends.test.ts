/** How a call ended, and what a REFER's failure means, as shown to people. */
import { describe, expect, it } from 'vitest';
import {
  ALIVE,
  DEAD,
  type Driver,
  decision,
  drive,
  refer,
  rejected,
  say,
  transfer,
} from '../../helpers/machine.ts';

function answered(plan: Parameters<typeof decision>[0]): Driver {
  const d = drive(decision(plan));
  d.hook('call.initiated');
  d.hook('call.answered');
  return d;
}

const kinds = (d: Driver) => d.notices.map(({ kind }) => kind);

describe('a REFER that is not ours', () => {
  it.each(['call.initiated', 'call.answered', null])(
    'completes on a leg of which we know %s: nothing is sent, and the leg stays unmanaged',
    (first) => {
      const d = drive(decision(null));
      if (first !== null) d.hook(first);
      d.hook('call.refer.completed', { sipNotifyResponse: 200 });
      if (d.call.phase === 'new') d.fall('undecided');
      expect(d.call.phase).toBe('unmanaged');
      expect(d.call.deadlines).toMatchObject([{ name: 'watch' }]);
      expect(d.commands).toEqual([]);
      d.hook('call.hangup');
      expect(d.call.ends).toBe('ignored');
    },
  );

  it('completes while our transfer rings: the transfer goes on', () => {
    const d = answered([transfer('+14155550199')]);
    d.accept(d.last('transfer'));
    d.hook('call.refer.completed', { sipNotifyResponse: 200 });
    expect(d.call.phase).toBe('transferring');
  });
});

describe('a call that Telnyx knows to have ended', () => {
  it.each([
    ['90018', 'ended'],
    ['90015', 'unknown'],
    ['10005', 'unknown'],
  ])('code %s right after an event contradicts: %s', (code, contradicts) => {
    const d = answered([refer('a')]);
    d.outcome(d.last('refer'), rejected(code, { callEnded: true } as object));
    expect(d.notices).toContainEqual(expect.objectContaining({ kind: 'found_dead', contradicts }));
  });

  it('an event of more than 10 s ago is not contradicted', () => {
    const d = answered([refer('a')]);
    const [asked, at] = [d.last('refer'), d.now];
    d.now = at + 10_001;
    d.outcome(asked, rejected('90018', { callEnded: true } as object));
    expect(d.notices).toContainEqual(
      expect.objectContaining({ kind: 'found_dead', contradicts: null }),
    );
  });

  it('is_alive: false never does', () => {
    const d = answered([refer('a')]);
    d.accept(d.last('refer'));
    d.fall('attempt');
    d.hook('call.speak.started');
    d.outcome(d.last('probe'), DEAD);
    expect(d.notices).toContainEqual(
      expect.objectContaining({ kind: 'found_dead', contradicts: null }),
    );
  });
});

describe('the REFER’s own refusal', () => {
  it.each([603, 501, 420, 481])('%i without any progress is not_allowed', (code) => {
    const d = answered([refer('a', { ifFailed: { not_allowed: [transfer('+14155550199')] } })]);
    d.accept(d.last('refer'));
    d.hook('call.refer.failed', { sipNotifyResponse: code });
    expect(d.call.attempts[0]?.verdict).toBe('not_allowed');
    expect(d.count('transfer')).toBe(1);
  });

  it.each([
    [603, 'declined'],
    [501, 'server_error'],
    [420, 'other'],
    [481, 'other'],
  ])('%i after progress is %s', (code, verdict) => {
    const d = answered([refer('a')]);
    d.accept(d.last('refer'));
    d.hook('call.refer.started', { sipNotifyResponse: 100 });
    d.hook('call.refer.failed', { sipNotifyResponse: code });
    expect(d.call.attempts[0]?.verdict).toBe(verdict);
  });
});

it('603 is declined where the progress before it is heard after it, and nobody is moved again', () => {
  const d = answered([refer('a', { ifFailed: { not_allowed: [refer('b')] } }), refer('c')]);
  const { clientState } = d.last('refer');
  d.accept(d.last('refer'));
  d.hook('call.refer.failed', { clientState, sipNotifyResponse: 603 });
  d.hook('call.refer.started', { clientState, sipNotifyResponse: 180 });
  expect(d.call.attempts.map(({ verdict }) => verdict)).toEqual(['declined', null]);
  expect(d.count('refer')).toBe(2);
});

it.each([200, 202])(
  'a failure that carries %i moves nobody again, whatever the route says',
  (code) => {
    const d = answered([
      refer('a', { ifFailed: { other: [refer('b')], any: [refer('c')] } }),
      refer('d'),
    ]);
    d.accept(d.last('refer'));
    d.hook('call.refer.failed', { sipNotifyResponse: code });
    expect(d.count('refer')).toBe(1);
    expect(d.call.phase).toBe('speaking');
    d.hook('call.hangup');
    expect(d.call.ends).toBe('unconfirmed');
  },
);

describe('a leg that had ended while its REFER was open, and whose hangup comes late', () => {
  /** Telnyx answers nothing: the REFER is given up, and the last resort hangs up in vain. */
  const givenUp = (more: Parameters<typeof refer>[1] = {}) => {
    const d = answered([refer('a', more)]);
    d.accept(d.last('refer'));
    const leftAt = d.now + 20_000;
    d.fall('attempt');
    for (let n = 0; n < 3; n += 1) d.fall('probing');
    d.fall('step');
    expect(d.call.phase).toBe('releasing');
    return { d, leftAt };
  };
  const hangs = (d: Driver, occurredAt: number) =>
    d.hook('call.hangup', { hangupSource: 'caller', occurredAt });

  it.each([
    ['unconfirmed', 'no_verdict'],
    ['completed', 'completed'],
  ] as const)('is as if it had come in time: %s', (byeWithoutVerdict, verdict) => {
    const ends = verdict === 'completed' ? 'referred' : 'unconfirmed';
    const { d, leftAt } = givenUp({ byeWithoutVerdict });
    hangs(d, leftAt);
    expect(d.call).toMatchObject({ ends, attempts: [{ verdict }] });

    const found = givenUp({ byeWithoutVerdict });
    found.d.outcome(found.d.last('hangup'), rejected('90018'));
    expect(found.d.call.ends).toBe('failed');
    hangs(found.d, found.leftAt);
    expect(found.d.call).toMatchObject({ ends, attempts: [{ verdict }] });
  });

  it('is hung up by us where it ended afterwards', () => {
    const { d } = givenUp({ byeWithoutVerdict: 'completed' });
    hangs(d, d.now);
    expect(d.call).toMatchObject({ ends: 'failed', attempts: [{ verdict: 'no_verdict' }] });
  });
});

describe('a caller who was lost', () => {
  const failedThenHangup = (hangupSource: string | null) => {
    const d = answered([refer('a'), refer('b')]);
    d.accept(d.last('refer'));
    d.hook('call.refer.failed', { sipNotifyResponse: 503 });
    d.hook('call.hangup', { hangupSource });
    return d.call.ends;
  };

  it('with a REFER that failed was not the one who left', () => {
    expect(failedThenHangup('callee')).toBe('failed');
    expect(failedThenHangup('unknown')).toBe('failed');
    expect(failedThenHangup('caller')).toBe('abandoned');
  });

  it('is said to have left once their hangup comes, though a command had found the call ended', () => {
    const d = answered([refer('a'), refer('b')]);
    d.accept(d.last('refer'));
    d.hook('call.refer.failed', { sipNotifyResponse: 503 });
    d.outcome(d.last('refer'), rejected('90018'));
    expect(d.call.ends).toBe('failed');
    d.hook('call.hangup', { hangupSource: 'caller' });
    expect(d.call.ends).toBe('abandoned');
    expect(kinds(d)).toContain('ends_corrected');
  });

  it('with a REFER whose failure is heard after the hangup is failed too', () => {
    const d = answered([refer('a')]);
    d.accept(d.last('refer'));
    d.hook('call.hangup', { hangupSource: 'callee' });
    expect(d.call.ends).toBe('unconfirmed');
    d.hook('call.refer.failed', { sipNotifyResponse: 503 });
    expect(d.call.ends).toBe('failed');
  });

  it.each(['before the last resort', 'in the middle of it'])(
    'after an accepted REFER that rang is unconfirmed, %s',
    (when) => {
      const d = answered([refer('a')]);
      d.accept(d.last('refer'));
      d.hook('call.refer.started', { sipNotifyResponse: 180 });
      d.fall('attempt');
      if (when === 'before the last resort') {
        d.hook('call.hangup', { hangupSource: 'caller' });
      } else {
        d.outcome(d.last('probe'), ALIVE);
        expect(d.call.phase).toBe('speaking');
        d.hook('call.hangup', { hangupSource: 'caller' });
      }
      expect(d.call.ends).toBe('unconfirmed');
    },
  );

  it('whom the last resort let go is failed', () => {
    const d = answered([refer('a')]);
    d.accept(d.last('refer'));
    d.hook('call.refer.failed', { sipNotifyResponse: 503 });
    d.hook('call.speak.ended', { status: 'completed' });
    expect(d.call.phase).toBe('releasing');
    d.hook('call.hangup', { hangupSource: 'callee' });
    expect(d.call.ends).toBe('failed');
  });

  it('of whom only the hangup is known is nobody’s: ignored', () => {
    const d = drive(decision([say('Hello.')]));
    d.hook('call.hangup', { hangupSource: 'caller' });
    expect(d.call.ends).toBe('ignored');
  });
});

describe('a caller who presses keys', () => {
  it('a thousand times, each for a move that is refused, leaves a small call', () => {
    const d = drive((event) =>
      event === 'call.initiated'
        ? decision(null)
        : decision([
            refer('a', { problem: 'the destination is not in policy.allow' }),
            { do: 'ignore' },
          ]),
    );
    d.hook('call.initiated');
    d.hook('call.answered');
    for (let n = 0; n < 1_000; n += 1) d.hook('call.dtmf.received', { digits: '1' });
    expect(d.call.attempts.length).toBe(1);
    expect(JSON.stringify(d.call).length).toBeLessThan(8_000);
  });

  it('for targets in turn keeps a bounded number of attempts', () => {
    let n = 0;
    const d = drive((event) => {
      n += 1;
      return event === 'call.initiated'
        ? decision(null)
        : decision([refer(`t${n % 3}`, { problem: `no value ${n}` }), { do: 'ignore' }]);
    });
    d.hook('call.initiated');
    d.hook('call.answered');
    for (let k = 0; k < 400; k += 1) d.hook('call.dtmf.received', { digits: '1' });
    expect(d.call.attempts.length).toBeLessThanOrEqual(100);
  });

  it('or an operator who refers and refers: the hundred and first attempt is refused', () => {
    const free = {
      patienceMs: 1e9,
      whileMoving: null,
      refersPerCall: null,
      transfersPerCall: null,
    };
    const d = drive(decision(null, { policy: free }));
    d.hook('call.initiated');
    d.hook('call.answered');
    for (let n = 0; n < 130; n += 1) {
      d.put({
        source: 'manual',
        id: `manual:${n}`,
        callId: d.call.id,
        type: 'manual.refer',
        receivedAt: 0,
        occurredAt: null,
        step: refer('hand'),
      });
      if (d.call.phase !== 'referring') continue;
      d.accept(d.last('refer'));
      d.hook('call.refer.failed', { sipNotifyResponse: 486 });
    }
    expect(d.count('refer')).toBe(100);
    expect(d.call.attempts.length).toBeLessThanOrEqual(101);
  });
});
