import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AllowPattern, allows, parseAllow } from '../../../../src/core/rules/targets/allow.ts';

function patterns(...texts: string[]): AllowPattern[] {
  return texts.map((text) => {
    const parsed = parseAllow(text);
    if ('problem' in parsed) throw new Error(parsed.problem);
    return parsed;
  });
}

const allowed = (pattern: string, destination: string) =>
  'ok' in allows(patterns(pattern), destination);

describe('what policy.allow lets through', () => {
  it.each([
    ['sip:*@*.example.com', 'sip:x@a.example.com'],
    ['sip:*@*.example.com', 'sip:x@a.b.example.com'],
    ['sip:*@*.example.com', 'SIP:x@A.Example.COM'],
    ['sip:*@*.example.com', 'sip:+14155550100@a.example.com'],
    ['sip:*@*.example.com', 'sip:x%40evil.example@a.example.com'],
    ['sip:*@*.example.com', 'sip:x@a.example.com:5060'],
    ['sip:*@pbx.example.com:5080', 'sip:x@pbx.example.com:5080'],
    ['sip:sales-*@pbx.example.com', 'sip:sales-1@pbx.example.com'],
    ['sip:sales@pbx.example.com', 'sip:s%61les@pbx.example.com'],
    ['sips:*@pbx.example.com', 'sips:x@pbx.example.com:5061'],
    ['sip:*@10.0.0.1', 'sip:x@10.0.0.1'],
    ['sip:*@[2001:db8::1]', 'sip:x@[2001:DB8::1]'],
    ['sip:*@[2001:0db8:0:0::0001]', 'sip:x@[2001:db8::1]:5060'],
    ['sip:*@[2001:db8::1]', 'sip:x@[2001:db8:0:0:0:0:0.0.0.1]'],
    ['sip:pbx.example.com', 'sip:pbx.example.com'],
    ['sip:*@*.example.com;transport=tls', 'sip:x@a.example.com;transport=tls'],
    ['sip:*@*.example.com;transport=tls', 'sip:x@a.example.com:5061;Transport=TLS'],
    ['sip:*@pbx.example.com;secure=srtp', 'sip:x@pbx.example.com;secure=srtp'],
    [
      'sip:*@pbx.example.com:5080;transport=tls;secure=srtp',
      'sip:x@pbx.example.com:5080;secure=srtp;transport=tls',
    ],
    ['+1*', '+14155550100'],
    ['+14155550100', '+14155550100'],
  ])('%s allows %s', (pattern, destination) => {
    expect(allowed(pattern, destination)).toBe(true);
  });

  it.each([
    ['sip:*@*.example.com', 'sip:x@evil.example;p=@a.example.com'],
    ['sip:*@*.example.com', 'sip:x@evil.example?h=@a.example.com'],
    ['sip:*@*.example.com', 'sip:x@evil.example@a.example.com'],
    ['sip:*@*.example.com', 'sip:x:@evil.example@a.example.com'],
    ['sip:*@*.example.com', 'sip:x:password@a.example.com'],
    ['sip:*@*.example.com', 'sip:x@example.com'],
    ['sip:*@*.example.com', 'sip:x@evilexample.com'],
    ['sip:*@*.example.com', 'sip:x@.example.com'],
    ['sip:*@*.example.com', 'sip:x@a.example.com.'],
    ['sip:*@*.example.com', 'sip:x@a.example.com.evil.example'],
    ['sip:*@*.example.com', 'sip:x@evil.example%2Ea.example.com'],
    ['sip:*@*.example.com', 'sip:x@evil.example/.example.com'],
    ['sip:*@*.example.com', 'sip:x@evil.example#.example.com'],
    ['sip:*@*.example.com', 'sip:x@evil.example\\.example.com'],
    ['sip:*@*.example.com', 'sip:x@evil.example\u0000.example.com'],
    ['sip:*@*.example.com', 'sip:x@evil.example\r\n.example.com'],
    ['sip:*@*.example.com', 'sip:x%00@a.example.com'],
    ['sip:*@*.example.com', 'sip:x%0d%0aVia:@a.example.com'],
    ['sip:*@*.example.com', 'sip:x@[::1].example.com'],
    ['sip:*@[2001:db8::1]', 'sip:x@[2001:db8::10]'],
    ['sip:*@*.example.com', 'sip:x@\u0430.example.com'],
    ['sip:*@*.example.com', 'sip:x@a.example.com;transport=tls'],
    ['sip:*@*.example.com;transport=tls', 'sip:x@a.example.com'],
    ['sip:*@*.example.com;transport=tls', 'sip:x@a.example.com;transport=udp'],
    ['sip:*@*.example.com;transport=tls', 'sip:x@a.example.com;transport=tls;maddr=evil.example'],
    ['sip:*@*.example.com;transport=tls', 'sip:x@a.example.com;transport=tls;transport=tls'],
    ['sip:*@*.example.com;transport=tls', 'sip:x@a.example.com;transport=tls?Replaces=1'],
    ['sip:*@*.example.com;transport=tls', 'sip:x@evil.example;transport=tls'],
    ['sip:*@*.example.com', 'sip:x@a.example.com?Replaces=1'],
    ['sip:*@*.example.com', 'sip:x@a.example.com:5080'],
    ['sip:*@*.example.com', 'sips:x@a.example.com'],
    ['sip:*@*.example.com', 'sip:a.example.com'],
    ['sip:*@*.example.com', ' sip:x@a.example.com'],
    ['sip:*@*.example.com', 'sip:x@a.example.com\n'],
    ['sip:*@*.example.com', 'sip:x@a.example.com\u2028'],
    ['sip:*@*.example.com', '<sip:x@a.example.com>'],
    ['sip:*@*.example.com', 'tel:+14155550100'],
    ['sip:*@*.example.com', ''],
    ['sip:*@10.0.0.1', 'sip:x@010.0.0.1'],
    ['sip:*@10.0.0.1', 'sip:x@167772161'],
    ['sip:pbx.example.com', 'sip:x@pbx.example.com'],
    ['+1*', '+44155550100'],
    ['+1*', 'sip:+14155550100@evil.example'],
    ['+1*', '+1415;ext=1'],
    ['+1*', '+1415555010012345678'],
    ['+1*', '+1415\n'],
  ])('%s refuses %j', (pattern, destination) => {
    expect(allowed(pattern, destination)).toBe(false);
  });

  it('says what was refused and which key decides', () => {
    expect(allows(patterns('+1*'), 'sip:x@evil.example')).toEqual({
      why: 'sip:x@evil.example is not allowed: policy.allow allows +1*',
    });
    expect(allows([], '+14155550100')).toEqual({
      why: '+14155550100 is not allowed: policy.allow allows nothing',
    });
  });

  it('never lets a host through that is not below the suffix, whatever stands around it', () => {
    const piece = fc.constantFrom(
      '@',
      ';',
      '?',
      ':',
      '%',
      '.',
      '/',
      '[',
      ']',
      'x',
      'evil.example',
      'a.example.com',
      '=',
      '\\',
      '#',
      ' ',
    );
    const pattern = patterns('sip:*@*.example.com');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = `sip:${pieces.join('')}`;
        if (!('ok' in allows(pattern, text))) return;
        expect(text).toMatch(/^sip:[^@]+@[a-z0-9.-]+\.example\.com$/);
      }),
      { numRuns: 5_000 },
    );
  });
});

it('says which pattern would allow a destination that is carried otherwise', () => {
  const answer = allows(patterns('sip:*@*.example.com'), 'sip:x@a.example.com;transport=tls');
  expect(answer).toMatchObject({
    why: expect.stringContaining('has ;transport=tls and is not allowed'),
    pattern: 'sip:*@*.example.com;transport=tls',
  });
  const never = allows(patterns('sip:*@*.example.com'), 'sip:x@a.example.com;maddr=evil.example');
  expect(never).toEqual({ why: expect.stringContaining('cannot be allowed') });
});

describe('parseAllow', () => {
  it.each([
    'sip:*@*',
    'sip:*@',
    '*',
    '',
    'sip:*@*.com.',
    'sip:*@*.1.2.3.4',
    'sip:*@a*.example.com',
    'sip:x:y@example.com',
    'sip:*@example.com;transport=tls;transport=udp',
    'sip:*@example.com;transport=ws',
    'sip:*@example.com;maddr=evil.example',
    'sip:*@example.com;transport',
    'sip:*@example.com:0',
    'sip:*@example.com:99999',
    '+1*2',
    '+1',
    '+1415?',
    '+1234567890123456',
    'tel:+1',
    '1*',
    'http://example.com',
  ])('refuses %j with words', (text) => {
    expect(parseAllow(text)).toEqual({ problem: expect.stringMatching(/.{10}/) });
  });
});
