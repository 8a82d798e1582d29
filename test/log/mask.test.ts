import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMasker } from '../../src/log/mask.ts';
import { cpuTimeMs } from '../helpers/cpu-time.ts';

const masker = createMasker('KEY0123');
const NUMBER = '+14155550100';
const MASKED = masker.address(NUMBER);

describe('a masked number', () => {
  it('shows its first and last digits and a tag of letters', () => {
    expect(MASKED).toMatch(/^\+14\*\*\*00~[a-z]{10}$/);
  });

  it('is the same everywhere: plain, in SIP URIs, percent-encoded, with gaps, in free text', () => {
    const core = MASKED.slice(1);
    for (const text of [
      '14155550100',
      'sip:+14155550100@pbx.example.com',
      'sip:%2B14155550100@pbx.example.com',
      '14155550100@sip.telnyx.com:5060',
      '+1 (415) 555-0100',
      '"Jane" <sips:14155550100@example.com;user=phone>',
    ]) {
      expect(masker.address(text)).toContain(core);
      expect(masker.text(`Telnyx said: ${text} is not valid.`)).toContain(core);
      expect(masker.address(text) + masker.text(text)).not.toMatch(/5{3}/);
    }
    expect(masker.text(`${NUMBER},${NUMBER}; ${NUMBER}.`)).toBe(`${MASKED},${MASKED}; ${MASKED}.`);
    expect(masker.text(`{"to":"${NUMBER}"} /tel:${NUMBER}`)).toContain(
      `{"to":"${MASKED}"} /tel:${MASKED}`,
    );
    expect(masker.text(`${NUMBER} 486`)).toBe(`${MASKED} 486`);
  });

  it('has another tag for another number, and under another key', () => {
    expect(masker.address('+14155550200')).not.toBe(MASKED);
    expect(createMasker('KEY0124').address(NUMBER)).not.toBe(MASKED);
    expect(createMasker('KEY0123').address(NUMBER)).toBe(MASKED);
  });

  it('is not masked a second time', () => {
    expect(masker.text(masker.text(NUMBER))).toBe(MASKED);
    expect(masker.address(MASKED)).toBe(MASKED);
  });
});

describe('free text', () => {
  it('of one long word costs no more than its length', () => {
    const before = cpuTimeMs();
    const word = '123456a'.repeat(6_000);
    expect(masker.text(`${NUMBER} ${word}`)).toBe(`${MASKED} ${word}`);
    expect(cpuTimeMs() - before).toBeLessThan(1_500);
  });

  it.each([
    'connection 1494404757140276705 is not ours',
    'call 6f9619ff-8b86-4011-8421-123456789012 ended',
    'call v3:Ptw4AiXkYMaxfF1nEwz1234567890bYVdGhMCiYdOG8uwh8y1rRZTJQvNdTjDjQ ended',
    'at 2026-11-23T12:00:00.123456Z and 2026-11-23T12:00:00.123456789Z',
    'route set 4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce',
    'commit 1234567890abcdef',
    'it took 0.123456789 s',
    'code 90018, status 422, port 65535, 100 of 5000',
    'sip:support@pbx-us.example.com:5060',
    'listening on 0.0.0.0:3000, 192.168.100.200',
  ])('is left as it is: %s', (text) => {
    expect(masker.text(text)).toBe(text);
  });

  it('hides a number that sticks to a word', () => {
    expect(masker.text('tel14155550100')).not.toContain('5555');
    expect(masker.text('user_14155550100')).not.toContain('5555');
  });

  it('never shows an E.164 number, whatever stands around it', () => {
    const digits = fc.integer({ min: 100_000_000, max: 99_999_999_999_999 }).map(String);
    const around = fc.constantFrom(
      '',
      ' ',
      '"',
      ':',
      '/',
      '(',
      ',',
      '.',
      '@',
      '<',
      '\n',
      'to ',
      'é',
    );
    fc.assert(
      fc.property(around, digits, around, (before, number, after) => {
        expect(masker.text(`${before}+${number}${after}`)).not.toContain(number);
      }),
    );
  });
});
