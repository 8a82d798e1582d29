import { describe, expect, test } from 'vitest';
import { readApplication, readNumber } from '../../../src/telnyx/account/resources.ts';

describe('an application', () => {
  test.each([
    [1.5, 1.5],
    [0, 0],
    ['2', 2],
    [null, null],
    [-1, null],
    ['soon', null],
  ])('with the webhook timeout %j has %j', (webhook_timeout_secs, expected) => {
    const read = readApplication({ id: '1', webhook_timeout_secs });
    expect(read?.webhookTimeoutSecs).toBe(expected);
  });
});

describe('a number', () => {
  const number = { id: '1', phone_number: '+14155550100', status: 'active' };

  test.each([
    ['1684641123236054244', '1684641123236054244'],
    [null, null],
    ['', null],
    [undefined, null],
  ])('of the connection %j is assigned to %j', (connection_id, expected) => {
    expect(readNumber({ ...number, connection_id })?.connectionId).toBe(expected);
  });

  test('of a connection whose digits JSON has rounded is not read, instead of assigned to nothing', () => {
    expect(readNumber({ ...number, connection_id: JSON.parse('1684641123236054244') })).toBeNull();
  });
});
