import { describe, expect, test } from 'vitest';
import { parseAccount } from '../../../src/simulator/account/file.ts';

describe('an account file', () => {
  test('gives what it names, with fields of Telnyx that no check reads', () => {
    const text = 'numbers:\n  - { phone_number: "+14155550100", connection_id: null, hd: true }\n';
    expect(parseAccount(text, 'a.yaml')).toEqual({
      numbers: [{ phone_number: '+14155550100', connection_id: null, hd: true }],
    });
    expect(parseAccount('', 'a.yaml')).toEqual({});
  });

  test.each([
    ['bills: 1', 'a.yaml:1:1: the file: unknown: bills'],
    [
      'applications: [{ webhook_api_version: 1 }]',
      '1:39: applications.0.webhook_api_version: must be string',
    ],
    ['applications: [{ webhook_url: x }]', 'applications.0: unknown: webhook_url'],
    ['numbers:\n  - { phone_number: "030 1" }', 'a.yaml:2:21: numbers.0.phone_number'],
    ['faults: [{ endpoint: balance, status: 20 }]', 'faults.0.status'],
    ['a: [', 'a.yaml:1:'],
    ['applications: *none', 'a.yaml: Unresolved alias'],
  ])('says where %s is wrong', (text, problem) => {
    expect(() => parseAccount(text, 'a.yaml')).toThrow(problem);
  });

  test('names an unknown key once', () => {
    expect(() => parseAccount('bills: { paid: 1 }', 'a.yaml')).toThrow(
      /one problem\n {2}- a\.yaml:1:1: the file: unknown: bills$/,
    );
  });

  test('names the place of a syntax error once', () => {
    expect(() => parseAccount('a: "b', 'a.yaml')).toThrow(/a\.yaml:1:6: Missing closing "quote$/);
  });
});
