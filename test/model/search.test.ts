/**
 * The short form of `npm run prove:machine`: random stories in every plan and world, a small plan
 * searched whole, and every story that ever broke an invariant. `MODEL_STATES=20000 npx vitest run
 * test/model` walks for longer.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chanceOf } from './chance.ts';
import { PLANS, settingOf, WORLDS } from './plans.ts';
import { type Report, replay, search, walk } from './search.ts';

const STATES = Number(process.env.MODEL_STATES ?? 500);
const NEVER = Number.POSITIVE_INFINITY;
const FOUND = join(import.meta.dirname, 'found');

/** A search in which these did not occur has proved nothing about them. */
const MUST_OCCUR = [
  'both processes have sent one command',
  'a process died between sending and the outcome',
  'a repetition was refused',
  'completed after no_verdict',
  'the final event came after the hangup',
  'a command was taken back while in flight',
  'a move was taken back: the target before it rang after all',
  'an envelope showed that Telnyx had carried out a command',
  'a probe found that the leg had ended',
  'patience ran out',
  'a lookup decided',
  'a lookup brought no answer',
  'a lookup was answered too late',
  'a lookup reached its server twice',
  'the last resort ran',
  'one of several rang, and nobody could tell which',
  'a step was skipped since an earlier REFER may be answered',
  'a deadline that was reached late was postponed',
  'a manual refer while speaking',
  'an operator hung up while referring',
  'an operator hung up while bridged',
  'an operator went on while referring',
  'an operator went on while transferring',
  'accepted: it was silent for all of its time',
];

describe('whatever happens, a caller is moved at most once and every call ends', () => {
  const occurred = new Set<string>();

  test.each(Object.keys(PLANS))('%s', { timeout: 60_000 + STATES * 20 }, (plan) => {
    let seed = 0;
    for (const [world, unknowns] of Object.entries(WORLDS)) {
      for (const faults of [1, 3]) {
        seed += 1;
        const setting = settingOf(plan, unknowns);
        const limits = { states: STATES, until: NEVER };
        const report = walk(setting, faults, limits, chanceOf(seed));
        expect(report.found, storyOf(report, plan, world, faults)).toBeNull();
        for (const name of report.happened.keys()) occurred.add(name);
      }
    }
  });

  test('and the situations that matter have occurred', () => {
    expect(MUST_OCCUR.filter((name) => !occurred.has(name))).toEqual([]);
  });

  test('in every order of what may happen to one target without a fault', {
    timeout: 60_000,
  }, () => {
    const setting = settingOf('one target', WORLDS.plain ?? expect.fail());
    const report = search(setting, 0, { states: NEVER, until: NEVER });
    expect(report.found, storyOf(report, 'one target', 'plain', 0)).toBeNull();
    expect(report.exhausted).toBe(true);
    expect(report.states).toBeGreaterThan(1_000);
  });
});

describe('stories that once broke an invariant', () => {
  const files = readdirSync(FOUND).filter((name) => name.endsWith('.json'));
  test.each(files)('%s', (file) => {
    const kept = JSON.parse(readFileSync(join(FOUND, file), 'utf8'));
    const setting = settingOf(kept.plan, WORLDS[kept.world] ?? expect.fail());
    const { violation, told } = replay(kept.story, setting, kept.faults);
    expect(violation, told.join('\n')).toBeNull();
  });
});

function storyOf({ found }: Report, plan: string, world: string, faults: number): string {
  if (found === null) return '';
  const setting = settingOf(plan, WORLDS[world] ?? expect.fail());
  const { told } = replay(found.story, setting, faults);
  return [`${plan}, ${world}, ${faults} faults`, ...told, found.violation].join('\n');
}
