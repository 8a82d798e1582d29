import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSipUri } from '../../../../src/core/rules/addresses/sip-uri.ts';
import { valuesFor } from '../../../../src/core/rules/texts/placeholder.ts';
import {
  fillDestination,
  fillText,
  parseDestination,
  parseTemplate,
} from '../../../../src/core/rules/texts/template.ts';
import { facts, template } from '../../../helpers/route-set.ts';

const fill = (text: string, more: Parameters<typeof facts>[0]) =>
  fillDestination(
    template(text),
    valuesFor(facts(more), () => null),
  );

describe('parseTemplate', () => {
  it('cuts a text at its places', () => {
    expect(parseTemplate('sip:{from_user}@a.example.com')).toEqual([
      { literal: 'sip:' },
      { place: 'from_user' },
      { literal: '@a.example.com' },
    ]);
    expect(parseTemplate('{header:X-Name}')).toEqual([{ place: 'header', header: 'X-Name' }]);
  });

  it.each([
    '{',
    '}',
    '{}',
    '{nobody}',
    '{from',
    'a}b',
    '{header:}',
    '{header:X Y}',
    '{{from}}',
    '{FROM}',
  ])('refuses %s with words', (text) => {
    expect(parseTemplate(text)).toEqual({ problem: expect.any(String) });
  });
});

describe('filling a user part', () => {
  it.each([
    ['+14155550101', '+14155550101'],
    ['alice', 'alice'],
    ['a b', 'a%20b'],
    ["-_.!~*'()&=+$,;?/", "-_.!~*'()&=+$,;?/"],
    ['x@evil.example;p=', 'x%40evil.example;p='],
    ['50%', '50%25'],
    ['a:b', 'a%3Ab'],
    ['<x>"', '%3Cx%3E%22'],
    ['ü', '%C3%BC'],
    ['😀', '%F0%9F%98%80'],
  ])('%s becomes %s', (value, filled) => {
    const headers = [{ name: 'x-name', value }];
    expect(fill('sip:{header:X-Name}@a.example.com', { headers })).toEqual({
      text: `sip:${filled}@a.example.com`,
    });
  });

  it.each([
    ['nothing', null],
    ['empty text', ''],
    ['blanks', '  '],
    ['a line break', 'a\r\nVia: x'],
    ['a line break at its end', 'a\r\n'],
    ['NUL', 'a\u0000'],
    ['DEL', 'a\u007f'],
    ['C1', 'a\u0085'],
    ['half a character', 'a\ud800'],
    ['what was replaced on the way in: NUL, half a character, broken UTF-8', 'a\ufffdb'],
  ])('fails on %s', (_, value) => {
    const headers = value === null ? [] : [{ name: 'X-Name', value }];
    expect(fill('sip:{header:X-Name}@a.example.com', { headers })).toEqual({
      problem: expect.stringContaining('{header:X-Name}'),
    });
    const valueFor = valuesFor(facts({ headers }), () => null);
    expect(fillText(template('{header:X-Name}'), valueFor)).toEqual({
      problem: expect.any(String),
    });
  });

  it('takes the user of a SIP address, without escaping what was escaped', () => {
    expect(fill('{from_user}', { from: 'sip:al%20ice@b.example' })).toEqual({ text: 'al%20ice' });
    expect(fill('{from_user}', { from: '+14155550101' })).toEqual({ text: '+14155550101' });
    expect(fill('{from_user}', { from: 'sip:a%0d%0ab@c' })).toEqual({
      problem: expect.any(String),
    });
    expect(fill('{to}', { to: 'sip:a@b.example' })).toEqual({ text: 'sip%3Aa%40b.example' });
    expect(fill('{call_session_id}', { sessionId: 'a-b' })).toEqual({ text: 'a-b' });
  });

  it('puts no caller’s text anywhere but into the user part', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const filled = fill('sip:{header:X}@a.example.com', { headers: [{ name: 'X', value }] });
        if ('problem' in filled) return;
        expect(parseSipUri(filled.text)).toMatchObject({
          host: 'a.example.com',
          port: null,
          parameters: [],
          headers: [],
        });
      }),
    );
  });
});

describe('parseDestination', () => {
  it.each([
    ['sip:support@pbx.example.com', 'sip'],
    ['sips:a@b.example:5061;transport=tls', 'sip'],
    ['sip:{from_user}@a.example.com', 'sip'],
    ['+14155550199', 'number'],
    ['+1{header:X-Rest}', 'number'],
    ['+{row:number}', 'number'],
    ['+1415555{row:end}', 'number'],
    ['+49309018{row:a}', 'number'],
    ['+6834000', 'number'],
    ['+4930901{row:a}{row:b}', 'number'],
    ['{header:X-To}', 'number'],
  ])('%s is a %s', (text, kind) => {
    expect(parseDestination(text)).toMatchObject({ kind });
  });

  it.each([
    'sip:a@{header:X-Host}',
    'sip:{from_user}',
    'sip:a@b.example;x={from}',
    'sip:a b@c.example',
    'sip:a@',
    '14155550199',
    '+100',
    '+112',
    '+141555',
    '+1234567890123456',
    '+123456789012345{row:more}',
    'support',
    'http://a.example',
    '{from}@b.example}',
  ])('%s is none', (text) => {
    expect(parseDestination(text)).toEqual({ problem: expect.any(String) });
  });
});
