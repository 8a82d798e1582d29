/** Phone numbers are stored as numbers, and the map must behave exactly like a map of texts. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { firstOf, PackedTexts } from '../../../../src/core/rules/addresses/packed-texts.ts';
import { WideMap } from '../../../../src/core/rules/addresses/wide-map.ts';

const digits = fc.stringMatching(/^[0-9]{0,17}$/);
/** Numbers, look-alikes, and other texts; few of them, so that some occur twice. */
const text = fc.oneof(
  fc.nat({ max: 20 }).map((n) => `+1415${n}`),
  digits.map((all) => `+${all}`),
  digits,
  fc.constantFrom('', '+', '+0', '+01', '+1 ', '+1*', '++1', '1', '+١', 'sip:+1@pbx.example.com'),
  fc.string(),
);

test('a wide map is a map', () => {
  const value = fc.oneof(fc.constant(true), fc.integer(), fc.double(), fc.array(fc.nat()));
  fc.assert(
    fc.property(fc.array(fc.tuple(text, value)), fc.array(text), (entries, others) => {
      const wide = new WideMap<unknown>();
      const plain = new Map<string, unknown>();
      for (const [key, held] of entries) {
        expect(wide.has(key)).toBe(plain.has(key));
        wide.set(key, held);
        plain.set(key, held);
        expect(wide.size).toBe(plain.size);
      }
      for (const key of [...plain.keys(), ...others]) {
        expect(wide.get(key)).toBe(plain.get(key));
        expect(wide.has(key)).toBe(plain.has(key));
      }
    }),
  );
});

test('it holds what was entered before it was split into many, and after', () => {
  const wide = new WideMap<number>();
  const keyOf = (i: number) => (i % 3 === 0 ? `user${i}@pbx.example.com` : `+4930${i}`);
  const count = 50_000;
  for (let i = 0; i < count; i += 1) wide.set(keyOf(i), i);
  for (let i = 0; i < count; i += 7) wide.set(keyOf(i), -i);
  expect(wide.size).toBe(count);
  const wrong = Array.from({ length: count }, (_, i) => i).filter(
    (i) => wide.get(keyOf(i)) !== (i % 7 === 0 ? -i : i),
  );
  expect(wrong).toEqual([]);
  expect(wide.has(keyOf(count))).toBe(false);
});

test('packed texts are the texts that were put in, in order', () => {
  fc.assert(
    fc.property(fc.array(text, { maxLength: 200 }), fc.nat({ max: 9 }), (texts, most) => {
      const packed = new PackedTexts();
      for (const each of texts) packed.push(each);
      expect([...packed]).toEqual(texts);
      expect(packed.length).toBe(texts.length);
      expect(firstOf(packed, most)).toEqual(texts.slice(0, most));
    }),
  );
});
