import { expect, test } from 'vitest';
import type { Observer } from '../../src/engine/engine.ts';
import { combineObservers } from '../../src/engine/observers.ts';
import { aCall } from '../helpers/documents.ts';
import { webhook } from '../helpers/machine.ts';

test('observers are called one after the other', () => {
  const told: string[] = [];
  const named = (name: string): Observer => ({
    committed: () => told.push(`${name} committed`),
    duplicate: () => told.push(`${name} duplicate`),
    deadLetter: () => told.push(`${name} dead`),
    batch: () => told.push(`${name} batch`),
  });
  const both = combineObservers(named('a'), named('b'));
  both.committed(webhook('call.answered'), null, aCall('v3:one'), []);
  both.duplicate(webhook('call.answered'));
  both.deadLetter(webhook('call.answered'), new Error('no'));
  both.batch(1, 2, 3);
  expect(told).toEqual(
    ['committed', 'duplicate', 'dead', 'batch'].flatMap((it) => [`a ${it}`, `b ${it}`]),
  );
});
