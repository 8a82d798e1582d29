import { expect, test } from 'vitest';
import {
  isAnonymous,
  isWithheldName,
  partyOf,
  readAddress,
  readPattern,
  withoutUserParameters,
} from '../../../../src/core/rules/addresses/address.ts';

test.each([
  '+14155550100;npdi;rn=+14155550199',
  'tel:+14155550100;npdi;rn=+14155550199',
  'TEL:+1-415-555-0100;ext=5',
  'sip:+14155550100;npdi;rn=+14155550199@carrier.example.com;user=phone',
  'sip:+14155550100;cpc=payphone@carrier.example.com',
  'sip:%2B14155550100;npdi@carrier.example.com',
  '"Ada" <sip:+14155550100;npdi@carrier.example.com>;tag=1',
  'Ada <sip:+14155550100@carrier.example.com>',
  '"<sip:+14155550199@vip.example.com>" <sip:+14155550100@carrier.example.com>',
  '"A \\"<sip:+14155550199@vip.example.com>\\"" <sip:+14155550100@carrier.example.com>',
])('the number in %s is +14155550100', (text) => {
  expect(readAddress(text).number).toBe('+14155550100');
});

test.each(['sip:ada@[2001:DB8:0:0::0001]', 'sip:ada@[2001:db8::0.0.0.1]:5060'])(
  '%s is the same address in every spelling of its host',
  (text) => {
    expect(readAddress(text).texts).toEqual(readAddress('sip:ada@[2001:db8::1]').texts);
    expect(readPattern(text.replace(':5060', ''))).toEqual(readPattern('sip:ada@[2001:db8::1]'));
  },
);

test.each([
  ['+14155550100;npdi', '+14155550100'],
  [
    'sip:+14155550100;npdi;rn=+1@h.example:5060;user=phone',
    'sip:+14155550100@h.example:5060;user=phone',
  ],
  ['sip:1234;phone-context=pbx@h.example', 'sip:1234@h.example'],
  ['sip:ada;x=1@h.example', 'sip:ada;x=1@h.example'],
  ['sip:ada@h.example;transport=tls', 'sip:ada@h.example;transport=tls'],
  ['anonymous', 'anonymous'],
  [' ', null],
  [null, null],
])('%j without the parameters of a number is %j', (text, bare) => {
  expect(withoutUserParameters(text)).toBe(bare);
});

test.each([
  '+266696687',
  '+7378742833',
  '+2562533',
  '+8566696',
  '+86282452253',
  'Private',
  'BLOCKED',
  'Withheld',
  'Unavailable',
  'Unknown caller',
  'unknown_number',
  'Caller ID blocked',
  'Restricted',
  'tel:anonymous',
  'TEL:Anonymous',
  'sip:anonymous@anonymous.invalid',
  'sip:private@carrier.example.com',
  'sip:Unknown%20Caller@carrier.example.com',
  '"Anonymous" <sip:x@anonymous.invalid>',
  '',
  null,
])('%j withholds the number', (text) => {
  expect(isAnonymous(readAddress(text))).toBe(true);
});

test.each([
  '+14155550100',
  '+2666966870',
  'ada',
  'sip:privateer@h.example',
  'unknowns',
  'sip:blocked-list@h.example',
])('%j is somebody', (text) => {
  expect(isAnonymous(readAddress(text))).toBe(false);
});

test('a name is withheld whatever stands between its words', () => {
  expect(['no caller', 'private line', 'number'].map(isWithheldName)).toEqual([
    false,
    false,
    false,
  ]);
});

test.each([
  ['sip:Ada@EXAMPLE.Net', 'sip:Ada@example.net'],
  ['SIPS:Ada@Example.net:5060;transport=TLS', 'sips:Ada@example.net:5060;transport=TLS'],
  ['sip:PBX.Example', 'sip:pbx.example'],
  ['sip:Ada@[2001:DB8::1]:5061', 'sip:Ada@[2001:db8::1]:5061'],
  ['sip:+14155550100;npdi@Sip.Telnyx.com;user=phone', 'sip:+14155550100@sip.telnyx.com;user=phone'],
  ['Anonymous', 'Anonymous'],
  ['+14155550100;npdi', '+14155550100'],
  [' ', null],
  [null, null],
])('the party %s is stored and asked for as %s', (text, party) => {
  expect(partyOf(text)).toBe(party);
});
