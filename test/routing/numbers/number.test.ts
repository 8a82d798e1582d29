import fc from 'fast-check';
import metadata from 'libphonenumber-js/min/metadata';
import { expect, test } from 'vitest';
import { ZERO_IS_PART, ZERO_OF_SERVICES } from '../../../src/routing/numbers/e164.ts';
import { checkNumber } from '../../../src/routing/numbers/number.ts';

/**
 * A number or address that cannot occur in a call, and the one that is meant; null if that is
 * unclear.
 */
const WRONG: [string, string | null][] = [
  ['+44 (0)20 7946 0958', '+442079460958'],
  ['+44 020 7946 0958', '+442079460958'],
  ['+4402079460958', '+442079460958'],
  ['TEL:+14155550100', '+14155550100'],
  ['tel:+44 (0)20 7946 0958', '+442079460958'],
  ['tel:+14155550100;ext=5', '+14155550100'],
  ['+14155550100;npdi;rn=+14155550199', '+14155550100'],
  ['+49 (0) 30 / 123456', '+4930123456'],
  ['+49 30 123456 ext. 5', '+4930123456'],
  ['+39 (0)6 69882222', '+390669882222'],
  ['+81 03 1234 5678', '+81312345678'],
  ['+7 8 495 123-45-67', '+74951234567'],
  ['+36 06 1 234 5678', '+3612345678'],
  ['+1 1 415 555 0100', '+14155550100'],
  ['+0044 20 7946 0958', '+442079460958'],
  ['0044 20 7946 0958', '+442079460958'],
  ['+44–20–7946–0958', '+442079460958'],
  ['\u202a+442079460958\u202c', '+442079460958'],
  ['\uff0b442079460958', '+442079460958'],
  ['+44 (0)20*', '+4420*'],
  ['sip:<sip:ada@pbx.example.com>', 'sip:ada@pbx.example.com'],
  ['"Ada" <sip:ada@pbx.example.com>', 'sip:ada@pbx.example.com'],
  ['sip:sip:ada@pbx.example.com', 'sip:ada@pbx.example.com'],
  ['sip://ada@pbx.example.com', 'sip:ada@pbx.example.com'],
  ['sip:ada@pbx.example.com;transport=tls', 'sip:ada@pbx.example.com'],
  ['sip:+14155550100;npdi@pbx.example.com', 'sip:+14155550100@pbx.example.com'],
  ['sip:ada\u200b@pbx.example.com', 'sip:ada@pbx.example.com'],
  ['+0123456789', null],
  ['+1 415 555 0100 0000 000', null],
];

test.each(WRONG)('%j is a problem whose hint shows %j', (text, meant) => {
  const check = checkNumber(text);
  expect(check).toHaveProperty('problem');
  if (meant !== null) expect(check?.hint).toContain(JSON.stringify(meant));
  else expect(check?.hint).not.toMatch(/"\+[0-9]+"/);
});

test.each([
  '4155550100',
  '04155550100',
  '(415) 555-0100',
  '14155550100',
  '13812345678',
  '4155*',
  '011442079460958',
])('what country %j is in is not guessed', (text) => {
  expect(checkNumber(text)).toMatchObject({ hint: expect.stringContaining('country code') });
  expect(checkNumber(text)?.hint).not.toMatch(/\+[0-9]/);
});

test.each(['+4402*', '+1415555', '+1415555010', '+266696687', '+7378742833'])(
  '%j draws a warning',
  (text) => {
    expect(checkNumber(text)).toHaveProperty('warning');
  },
);

test.each([
  '+442079460958',
  '+44 20 7946 0958',
  '+44\u00a020\u00a07946\u00a00958',
  '+1 (415) 555-0100',
  '+390669882222',
  '+3906*',
  '+2250712345678',
  '+525512345678',
  '+5215512345678',
  'tel:+14155550100',
  'tel:+1415*',
  '+1*',
  '*',
  'sip:*@pbx.example.com',
  'sip:+4402079460958@pbx.example.com',
])('%j is right as it is', (text) => {
  expect(checkNumber(text)).toBeNull();
});

test.each(['Private', 'Unknown caller', 'blocked', 'tel:anonymous'])(
  '%j is what anonymous is for',
  (text) => {
    expect(checkNumber(text)).toMatchObject({
      problem: expect.stringContaining('withheld'),
      hint: expect.stringContaining('anonymous: true'),
    });
  },
);

test('what a hint shows is never refused next', () => {
  const piece = fc.constantFrom(
    '+',
    '44',
    '0',
    '(0)',
    ' ',
    '-',
    '–',
    '\u00a0',
    '20',
    '7946',
    '0958',
    '1',
    '415',
    '555',
    '0100',
    '39',
    '06',
    '00',
    '*',
    '/',
    ';ext=1',
    'tel:',
    'TEL:',
    'sip:',
    '<',
    '>',
    '@',
    'pbx.example.com',
    'ada',
    ' x5',
  );
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 9 }), (pieces) => {
      const check = checkNumber(pieces.join(''));
      for (const [, shown = ''] of (check?.hint ?? '').matchAll(/"([^"]*)"/g)) {
        // What is too long to be shown is cut, and nobody copies it.
        if (shown.endsWith('…')) continue;
        expect(checkNumber(shown) ?? {}).not.toHaveProperty('problem');
      }
    }),
    { numRuns: 5_000 },
  );
});

/** Country codes with numbers that begin with 0, by the library's numbering plans. */
test('after which country codes a 0 may follow is what the numbering plans say', {
  tags: ['long'],
}, () => {
  const plans = Object.values({ ...metadata.countries, ...metadata.nonGeographic }) as unknown[][];
  const found = new Set<string>();
  for (const [code, , pattern, lengths] of plans) {
    const number = new RegExp(`^(?:${String(pattern)})$`);
    const begins = (lengths as number[]).some((length) =>
      Array.from({ length: 1_000 }, (_, i) => `0${String(i).padStart(3, '0')}`).some((start) =>
        [...'0123456789'].some((digit) =>
          number.test(start.padEnd(length, digit).slice(0, length)),
        ),
      ),
    );
    if (begins) found.add(String(code));
  }
  // Ours leave out codes that are not countries (800, 881, 888), and the few service numbers of
  // Norway and others.
  const known = [...ZERO_IS_PART, ...ZERO_OF_SERVICES];
  expect([...found].filter((code) => !known.includes(code))).toEqual(['800', '881', '888']);
});
