/** What RFC 3261 allows, but for what parsers may read differently. */
import { expect, test } from 'vitest';
import { parseSipUri } from '../../../../src/core/rules/addresses/sip-uri.ts';

test.each([
  'sip:a@b.example.com;transport=tls;lr',
  'sip:a@[2001:db8::1]:5061;transport=tls',
  'sip:a;b=c?d@b.example.com',
  'sip:a@b.example.com?Replaces=12%40b.example.com%3Bto-tag%3D1%3Bfrom-tag%3D2',
  'sip:a@b.example.com?X-One=1&X-Two=',
])('%s is a destination', (text) => {
  expect(parseSipUri(text)).not.toHaveProperty('problem');
});

test.each([
  ['sip:a@b.example.com;transport=tls;transport=udp', 'appears twice'],
  ['sip:a@b.example.com;lr;LR', 'appears twice'],
  ['sip:a@b.example.com;x=1%0d%0aVia:2', 'hides a control character'],
  ['sip:a@b.example.com?Subject=1%0D%0AVia:%202', 'hides a control character'],
  ['sip:a@b.example.com?X%00=1', 'hides a control character'],
  ['sip:a%7f@b.example.com', 'hides a control character'],
  ['pbx.example.com', 'a SIP URI begins with sip: or sips:'],
  ['+11', 'a number is + and 7 to 15 digits'],
  ['+1abc', 'a number is + and 7 to 15 digits'],
  ['+14155550199;x', 'a number is + and 7 to 15 digits'],
])('%s is refused', (text, why) => {
  expect(parseSipUri(text)).toMatchObject({ problem: expect.stringContaining(why) });
});
