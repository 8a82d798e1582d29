import { expect, test } from 'vitest';
import type { Action } from '../../../src/core/machine/command.ts';
import { mayJoin } from '../../../src/engine/sending/order.ts';

const VOICES: Action[] = ['speak', 'playback_start', 'playback_stop', 'gather_using_speak'];

test('voices wait for each other, and for nothing else', () => {
  for (const voice of VOICES) {
    for (const other of VOICES) expect(mayJoin(voice, [other]), `${voice}, ${other}`).toBe(false);
    expect(mayJoin(voice, ['answer', 'refer', 'probe'])).toBe(true);
  }
});

test('a REFER waits for no voice and no answer', () => {
  expect(mayJoin('refer', ['answer', 'speak', 'probe'])).toBe(true);
  expect(mayJoin('transfer', ['answer', 'playback_stop'])).toBe(true);
});

test('a client_state that is given back is the last word', () => {
  expect(mayJoin('client_state_update', ['speak'])).toBe(false);
  expect(mayJoin('refer', ['client_state_update'])).toBe(false);
  expect(mayJoin('client_state_update', [])).toBe(true);
});

test('a probe asks at any time', () => {
  expect(mayJoin('probe', ['client_state_update', 'speak', 'refer'])).toBe(true);
});
