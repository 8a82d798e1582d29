import { expect, test } from 'vitest';
import type { Observer } from '../../src/engine/engine.ts';
import { combineObservers } from '../../src/engine/observers.ts';
import type { Log } from '../../src/log/log.ts';
import { aCall } from '../helpers/documents.ts';
import { webhook } from '../helpers/machine.ts';

test('observers are called one after the other', () => {
  const told: string[] = [];
  const named = (name: string): Partial<Observer> => ({
    committed: () => told.push(`${name} committed`),
    duplicate: () => told.push(`${name} duplicate`),
    deadLetter: () => told.push(`${name} dead`),
    batch: () => told.push(`${name} batch`),
  });
  const both = combineObservers({ emit: () => {} }, { a: named('a'), b: named('b') });
  both.committed(webhook('call.answered'), null, aCall('v3:one'), []);
  both.duplicate(webhook('call.answered'));
  both.deadLetter(webhook('call.answered'), new Error('no'));
  both.batch(1, 2, 3);
  expect(told).toEqual(
    ['committed', 'duplicate', 'dead', 'batch'].flatMap((it) => [`a ${it}`, `b ${it}`]),
  );
});

test('one that throws is logged once for each message, and the others are still called', () => {
  const lines: unknown[] = [];
  const told: string[] = [];
  let says = 'no such rule';
  const broken = (): never => {
    throw new TypeError(says);
  };
  const log: Log = {
    emit: (event, fields) => void lines.push([event, fields?.observer, String(fields?.err)]),
  };
  const both = combineObservers(log, {
    report: { committed: broken, duplicate: broken, deadLetter: broken, batch: broken },
    tracing: {
      committed: () => told.push('committed'),
      duplicate: () => told.push('duplicate'),
      deadLetter: () => told.push('dead'),
      batch: () => told.push('batch'),
    },
  });
  both.committed(webhook('call.answered'), null, aCall('v3:one'), []);
  both.duplicate(webhook('call.answered'));
  both.deadLetter(webhook('call.answered'), new Error('no'));
  says = 'no such target';
  both.batch(1, 2, 3);
  expect(told).toEqual(['committed', 'duplicate', 'dead', 'batch']);
  expect(lines).toEqual([
    ['observer.failed', 'report', 'TypeError: no such rule'],
    ['observer.failed', 'report', 'TypeError: no such target'],
  ]);
});

test('a log that throws itself stops nobody', () => {
  const told: string[] = [];
  const named = (name: string): Partial<Observer> => ({
    committed() {},
    duplicate() {},
    deadLetter() {},
    batch() {
      told.push(name);
      throw new Error('the log is closed');
    },
  });
  const log: Log = {
    emit() {
      throw new Error('the log is closed');
    },
  };
  combineObservers(log, { a: named('a'), b: named('b') }).batch(1, 2, 3);
  expect(told).toEqual(['a', 'b']);
});
