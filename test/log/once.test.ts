import { describe, expect, it } from 'vitest';
import type { Log, LogFields } from '../../src/log/log.ts';
import { onceForEach, onceUntilRecovered } from '../../src/log/once.ts';

describe('a lasting problem', () => {
  it('gives one line when it begins and one when it ends', () => {
    const { log, lines } = collected();
    const sweep = onceUntilRecovered(log, 'sweep.failed');
    for (let n = 0; n < 3; n += 1) sweep.failed(new Error('the disk is full'));
    sweep.worked();
    sweep.worked();
    expect(lines).toEqual([
      ['sweep.failed', 'the disk is full'],
      ['store.recovered', 'sweep.failed'],
    ]);
  });

  it('gives another line when its message changes, and a new one when it comes back', () => {
    const { log, lines } = collected();
    const sweep = onceUntilRecovered(log, 'sweep.failed');
    sweep.failed(new Error('the disk is full'));
    sweep.failed('not even an Error');
    sweep.worked();
    sweep.failed('not even an Error');
    expect(lines.map(([, text]) => text)).toEqual([
      'the disk is full',
      'not even an Error',
      'sweep.failed',
      'not even an Error',
    ]);
  });

  it('gives nothing when everything works', () => {
    const { log, lines } = collected();
    onceUntilRecovered(log, 'sweep.failed').worked();
    expect(lines).toEqual([]);
  });

  it('does not end because another kind of problem did', () => {
    const { log, lines } = collected();
    const job = onceForEach((name) => onceUntilRecovered(log, 'upkeep.failed', { job: name }));
    for (let round = 0; round < 3; round += 1) {
      job('prune').failed(new Error('no such table'));
      job('heartbeat').worked();
    }
    expect(lines).toEqual([['upkeep.failed', 'no such table']]);
    job('prune').worked();
    expect(lines.at(-1)).toEqual(['store.recovered', 'upkeep.failed']);
  });
});

/** Of each line the event, and its error or what it follows. */
function collected() {
  const lines: [string, unknown][] = [];
  const textOf = ({ err, after }: LogFields) => (err instanceof Error ? err.message : err) ?? after;
  const log: Log = { emit: (event, fields = {}) => void lines.push([event, textOf(fields)]) };
  return { log, lines };
}
