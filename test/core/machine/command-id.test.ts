import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  commandId,
  deadlineEventId,
  outcomeEventId,
  uuidV5,
} from '../../../src/core/machine/command-id.ts';

const DNS = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
const URL_NAMESPACE = '6ba7b811-9dad-11d1-80b4-00c04fd430c8';

test('the vectors of RFC 9562 and of other implementations are met', () => {
  // RFC 9562, appendix A.4.
  expect(uuidV5('www.example.com', DNS)).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
  // From the documentation of Python's uuid module and of npm's uuid.
  expect(uuidV5('python.org', DNS)).toBe('886313e1-3b8a-5372-9b90-0c9aee199e5d');
  expect(uuidV5('https://www.w3.org/', URL_NAMESPACE)).toBe('c106a26a-21bb-5538-8bf2-57095d1976c1');
});

test('the id of a command never changes from one release to the next', () => {
  expect(commandId('v3:abc', 'call.initiated', '0ccc7b54-4df3-4bca-a65a-3da1ecc777f0', 0)).toBe(
    '51d844c6-f069-5b7c-925b-7fdbf10dfd2f',
  );
});

test('ids are UUIDs of version 5, alike for the same parts and different for any other', () => {
  const parts = fc.tuple(fc.string(), fc.string(), fc.string(), fc.nat(5));
  fc.assert(
    fc.property(parts, parts, (a, b) => {
      const id = commandId(...a);
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(commandId(...a) === commandId(...b)).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
  );
});

test('parts that only differ in where one ends and the next begins give different ids', () => {
  expect(commandId('a', 'b\nc', 'd', 0)).not.toBe(commandId('a\nb', 'c', 'd', 0));
});

test('our own events name what they belong to', () => {
  expect(outcomeEventId('c1', 2)).toBe('outcome:c1:2');
  expect(deadlineEventId('v3:abc', 'attempt', 4)).toBe('deadline:v3:abc:attempt:4');
});
