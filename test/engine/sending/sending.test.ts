import { expect, test } from 'vitest';
import type { Action, Command, Outcome } from '../../../src/core/machine/command.ts';
import {
  asConflict,
  asRepetition,
  maySend,
  sentSince,
  settlementOf,
} from '../../../src/engine/sending/sending.ts';
import type { ClaimedCommand } from '../../../src/store/contract/outbox.ts';
import { aCommand } from '../../helpers/documents.ts';

const NOW = 1_000_000;

function claimed(given: Partial<ClaimedCommand> = {}, giveUpAt: number | null = null) {
  return {
    command: { ...aCommand('c1', 'v3:a'), giveUpAt },
    tries: 1,
    firstSentAt: NOW,
    leaseUntil: NOW + 10_000,
    now: NOW,
    createdAt: NOW,
    ...given,
  };
}

const retry: Outcome = {
  kind: 'retry',
  status: 500,
  detail: 'HTTP 500',
  afterMs: null,
  provenUnsent: false,
};
const unsent: Outcome = { ...retry, status: null, provenUnsent: true };

test('a command goes out only while its lease outlasts the request and the margin', () => {
  expect(maySend(claimed(), NOW, 5_000)).toEqual({ kind: 'send' });
  expect(maySend(claimed(), NOW + 4_000, 5_000)).toEqual({ kind: 'send' });
  expect(maySend(claimed(), NOW + 4_001, 5_000)).toMatchObject({
    kind: 'late',
    outcome: { kind: 'retry', provenUnsent: true, afterMs: 0 },
  });
  expect(maySend(claimed(), NOW + 20_000, 5_000)).toEqual({ kind: 'lapsed' });
});

test('55 s after the first request it is not sent again', () => {
  const later = { now: NOW + 54_990, leaseUntil: NOW + 65_000, tries: 8 };
  expect(maySend(claimed(later), NOW + 54_999, 5_000).kind).toBe('send');
  expect(maySend(claimed(later), NOW, 5_000, 54_999).kind).toBe('send');
  expect(maySend(claimed(later), NOW, 5_000, 55_000).kind).toBe('over');
  expect(maySend(claimed(later), NOW + 55_000, 5_000)).toMatchObject({
    kind: 'over',
    outcome: { kind: 'unknown', detail: expect.stringContaining('without a clear answer') },
  });
});

test('what was sent by a clock that was set back since is not sent again', () => {
  const before = claimed({ firstSentAt: NOW + 95_000, tries: 2 });
  expect(maySend(before, NOW, 5_000)).toMatchObject({
    kind: 'over',
    outcome: { kind: 'unknown', detail: expect.stringContaining('set back') },
  });
  expect(sentSince(before, unsent, true)).toBe(NOW + 95_000);
});

test('nothing is sent at or after the moment to give up', () => {
  expect(maySend(claimed({}, NOW + 1), NOW, 5_000).kind).toBe('send');
  expect(maySend(claimed({}, NOW), NOW, 5_000)).toMatchObject({
    kind: 'over',
    outcome: { kind: 'unknown', detail: expect.stringContaining('never sent') },
  });
});

test('what Telnyx turned away until its time was over is not said to have been sent never', () => {
  expect(maySend(claimed({ tries: 2 }, NOW), NOW, 5_000)).toMatchObject({
    outcome: { kind: 'unknown', detail: 'never executed; the time of its step is over' },
  });
});

test('what never could be sent is given up after ten minutes', () => {
  const old = claimed({ createdAt: NOW - 10 * 60_000, tries: 90 });
  expect(maySend(old, NOW, 5_000).kind).toBe('over');
});

test('a refused connection opens a new window only if no earlier try ended in silence', () => {
  expect(asRepetition(claimed(), unsent)).toEqual(unsent);
  const second = claimed({ firstSentAt: NOW - 6_000, tries: 2 });
  expect(asRepetition(second, unsent)).toMatchObject({ kind: 'retry', provenUnsent: false });
});

/** The kind that a refusal becomes, for each command, at its nth try. */
function refused(action: Action, status: number, code: string | null, tries: number) {
  const outcome: Outcome = {
    kind: 'rejected',
    status,
    code,
    detail: `HTTP ${status}`,
    callEnded: code === '90018' || code === '90015' || code === '10005',
    notAnswered: code === '90034',
    misconfigured: status === 401 || (status === 404 && code === null) ? 'TELNYX_API_KEY' : null,
  };
  const command = { ...aCommand('c1', 'v3:a'), giveUpAt: null, action } as Command;
  return asConflict(claimed({ command, tries }), outcome);
}

test('a conflict is tried again twice, for every command; nothing was executed', () => {
  for (const action of ['answer', 'refer', 'transfer', 'speak', 'hangup', 'reject'] as const) {
    const kinds = [1, 2, 3].map((tries) => refused(action, 409, '10015', tries).kind);
    expect(kinds, action).toEqual(['retry', 'retry', 'rejected']);
    expect(refused(action, 409, null, 1)).toMatchObject({ status: 409, provenUnsent: true });
    expect(refused(action, 409, '90018', 1), action).toMatchObject({ kind: 'rejected' });
    expect(refused(action, 409, '90034', 1), action).toMatchObject({ kind: 'rejected' });
  }
});

test('every other refusal is believed at once', () => {
  for (const action of ['answer', 'refer', 'hangup', 'reject'] as const) {
    expect(refused(action, 401, '10009', 1), action).toMatchObject({
      kind: 'rejected',
      misconfigured: 'TELNYX_API_KEY',
    });
    expect(refused(action, 404, null, 1).kind, action).toBe('rejected');
    expect(refused(action, 404, '10005', 1), action).toMatchObject({ callEnded: true });
    expect(refused(action, 422, '90015', 1), action).toMatchObject({ callEnded: true });
  }
});

test('a refused repetition says nothing about the try before it, but for facts about the leg', () => {
  const refusal = (code: string | null, status = 422): Outcome => ({
    kind: 'rejected',
    status,
    code,
    detail: `HTTP ${status}`,
    callEnded: code === '90018',
    notAnswered: code === '90034',
    misconfigured: null,
  });
  const second = claimed({ firstSentAt: NOW - 6_000, tries: 2 });
  for (const outcome of [
    refusal('10015'),
    refusal(null, 409),
    refusal('10009', 401),
    refusal(null, 403),
    refusal(null, 404),
    refusal(null, 302),
  ]) {
    expect(asRepetition(claimed(), outcome)).toBe(outcome);
    expect(asRepetition(second, outcome).kind).toBe('unknown');
  }
  expect(asRepetition(second, refusal('90018'))).toMatchObject({ kind: 'rejected' });
  expect(asRepetition(second, refusal('90034'))).toMatchObject({ kind: 'rejected' });
});

test('the first request is dated by the claim, and by nothing where none was made', () => {
  const accepted: Outcome = { kind: 'accepted', status: 200, alive: null };
  const unknown: Outcome = { kind: 'unknown', detail: '' };
  expect(sentSince(claimed(), accepted, true)).toBe(NOW);
  expect(sentSince(claimed(), unsent, true)).toBeNull();
  expect(sentSince(claimed(), unknown, false)).toBeNull();
  const again = claimed({ firstSentAt: NOW - 6_000 });
  expect(sentSince(again, unknown, false)).toBe(NOW - 6_000);
});

test('a retry waits half a second and longer, or as long as Telnyx says', () => {
  const at = (outcome: Outcome, tries: number) =>
    settlementOf(claimed({ tries }), outcome, NOW, 0).retryAt;
  expect([1, 2, 3].map((tries) => at(retry, tries))).toEqual([NOW + 500, NOW + 1000, NOW + 2000]);
  expect(at({ ...unsent, status: 429, afterMs: 3000 }, 4)).toBe(NOW + 3000);
  expect(settlementOf(claimed(), { kind: 'unknown', detail: '' }, NOW, 0).retryAt).toBeNull();
});

test('commands that Telnyx goes on refusing with 429 and no wait spread out more and more', () => {
  const limited = { ...unsent, status: 429, afterMs: 0 };
  const at = (outcome: typeof limited, tries: number) =>
    settlementOf(claimed({ tries }), outcome, NOW, 1).retryAt;
  expect([1, 2, 5, 9, 2_000].map((tries) => at(limited, tries))).toEqual([
    NOW + 250,
    NOW + 500,
    NOW + 4_000,
    NOW + 8_000,
    NOW + 8_000,
  ]);
  // One that only waited too long in our own queue goes out at once.
  expect(settlementOf(claimed({ tries: 9 }), { ...unsent, afterMs: 0 }, NOW, 1).retryAt).toBe(
    NOW + 250,
  );
  // A hangup that is refused for ten minutes.
  let [tries, now] = [1, NOW];
  for (; now < NOW + 600_000; tries += 1) {
    now = settlementOf(claimed({ tries }), limited, now, 0.5).retryAt ?? Infinity;
  }
  expect(tries).toBeLessThan(200);
});

test('a retry is due no later than the moment from which it is unknown', () => {
  expect(settlementOf(claimed({}, NOW + 100), retry, NOW, 0).retryAt).toBe(NOW + 100);
  const late = claimed({ firstSentAt: NOW - 54_900, tries: 9 });
  expect(settlementOf(late, retry, NOW, 0).retryAt).toBe(NOW + 100);
});
