/** Properties that must hold for any order, duplication and loss of a call's events. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Call } from '../../../src/core/machine/call.ts';
import type { Command } from '../../../src/core/machine/command.ts';
import { happen, happening, step, TYPES } from '../../helpers/happenings.ts';
import { type Driver, decision, drive, say, webhook } from '../../helpers/machine.ts';
import { runs } from '../../helpers/search-length.ts';

const isMove = (command: Command) => command.action === 'refer' || command.action === 'transfer';

/** Like `expect(ok, words).toBe(true)`, but cheap: a run calls it a million times. */
function must(ok: boolean, words: string): void {
  if (!ok) expect.fail(words);
}

/** Checked after every event. */
function check(d: Driver, before: Call | null, issued: Command[], completedSeen: boolean): void {
  const { call } = d;
  const moves = issued.filter(isMove);
  if (before !== null && (before.phase === 'ended' || before.phase === 'referred')) {
    must(moves.length === 0, 'no move after the end');
  }
  if (call.phase === 'ended' || completedSeen) must(moves.length === 0, 'no move with the end');
  must(moves.length <= 1, 'one move at a time');
  for (const { attemptId } of moves) {
    const same = d.commands.filter((command) => isMove(command) && command.attemptId === attemptId);
    must(same.length === 1, `commands of attempt ${attemptId}: ${same.length}`);
  }
  // A second open attempt only exists in the last 30 s that a completed one leaves it.
  const open = call.attempts.filter(({ verdict }) => verdict === null);
  must(open.length <= 1, `attempts whose end is not known: ${open.length}`);
  must((call.phase === 'ended') === (call.ends !== null), `ends ${call.ends} in ${call.phase}`);
  if (call.phase !== 'ended') must(call.deadlines.length > 0, `no deadline in ${call.phase}`);
  if (call.phase === 'ended' || call.phase === 'referred') {
    must(call.running === null, `something runs in ${call.phase}`);
    must(call.plan.length === 0, `a plan in ${call.phase}`);
  }
}

const RUNS = runs(500);
/** Some 15 s for 2,000 on two idle cores; a machine that is busy has four times that. */
const PROPERTY_TIMEOUT_MS = 60_000 + RUNS * 60;

describe('whatever happens', { timeout: PROPERTY_TIMEOUT_MS }, () => {
  it('no call is lost, none is moved twice, and every one ends', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 4 }),
        fc.array(happening, { maxLength: 25 }),
        fc.boolean(),
        fc.array(fc.constantFrom(...TYPES), { maxLength: 2 }),
        fc.constantFrom('incoming' as const, 'incoming' as const, 'outgoing' as const),
        fc.boolean(),
        (plan, happenings, holds, early, direction, webhooksCome) => {
          const d = drive(
            decision(plan, {
              policy: {
                patienceMs: 60_000,
                whileMoving: holds ? say('Please hold.') : null,
                refersPerCall: 3,
                transfersPerCall: 2,
              },
            }),
          );
          if (!webhooksCome) d.heardAt = null;
          let completedSeen = false;
          let before: Call | null = null;
          const then = (run: () => void, completed: boolean) => {
            const from = d.commands.length;
            run();
            completedSeen ||= completed;
            check(d, before, d.commands.slice(from), completedSeen);
            before = d.call;
          };
          for (const type of early) then(() => d.hook(type), false);
          const { facts } = webhook('call.initiated');
          then(() => d.hook('call.initiated', { facts: { ...facts, direction } }), false);
          happenings.forEach((h, n) => {
            // Only our own REFER counts as referred; another one is noted and changes nothing.
            const ours = d.call.attempts.some(({ kind, unsent }) => kind === 'refer' && !unsent);
            const completed = h.kind === 'hook' && h.type === 'call.refer.completed';
            then(() => happen(d, h, n), completed && ours);
          });
          // No more events arrive; only deadlines fire.
          for (let falls = 0; d.call.phase !== 'ended'; falls++) {
            must(falls < 1_000, `still ${d.call.phase}`);
            then(() => d.fall(), false);
          }
          for (const attempt of d.call.attempts) expect(attempt.verdict).not.toBeNull();
          if (completedSeen) expect(d.call.ends).toBe('referred');
          // The direction from an early call.initiated is kept: incoming.
          if (direction === 'outgoing' && !early.includes('call.initiated')) {
            expect(d.count('answer') + d.count('reject'), 'only of incoming legs').toBe(0);
          }
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('a transition leaves the call it was given as it was', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1 }), fc.array(happening), (plan, happenings) => {
        const d = drive(decision(plan));
        d.hook('call.initiated');
        happenings.forEach((h, n) => {
          const given = d.call;
          const text = JSON.stringify(given);
          happen(d, h, n);
          expect(JSON.stringify(given)).toBe(text);
        });
      }),
      { numRuns: RUNS / 4 },
    );
  });
});
