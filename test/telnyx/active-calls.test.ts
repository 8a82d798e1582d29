import { describe, expect, it } from 'vitest';
import { readActiveCalls } from '../../src/telnyx/active-calls.ts';

const leg = (id: string, clientState: string | null = null) => ({
  call_control_id: id,
  call_leg_id: 'leg',
  call_session_id: 'session',
  client_state: clientState,
  call_duration: 5,
  record_type: 'call',
});

describe('a page of active calls', () => {
  it('is read with the next one, in both forms that Telnyx documents', () => {
    const data = [leg('v3:a', 'c3RhdGU='), leg('v3:b')];
    const calls = [
      { callControlId: 'v3:a', sessionId: 'session', clientState: 'c3RhdGU=', durationSecs: 5 },
      { callControlId: 'v3:b', sessionId: 'session', clientState: null, durationSecs: 5 },
    ];
    const next = '/v2/connections/1/active_calls?page[after]=abc';
    const nextOf = (meta: unknown) => readActiveCalls({ data, meta });
    expect(nextOf({ next })).toEqual({ calls, next: '?page[after]=abc' });
    expect(nextOf({ cursors: { after: 'a&b' } })?.next).toBe('?page[after]=a%26b');
    expect(nextOf({ page_number: 1, total_pages: 2 })?.next).toBe('?page[number]=2');
    for (const last of [
      undefined,
      {},
      { next: null, cursors: { after: null } },
      { page_number: 2, total_pages: 2 },
    ]) {
      expect(nextOf(last)?.next).toBeNull();
    }
  });

  it('that is empty is the last one, whatever it says', () => {
    expect(readActiveCalls({ data: [], meta: { cursors: { after: 'abc' } } })?.next).toBeNull();
  });

  it.each([null, 'text', {}, { data: {} }, { data: [null] }, { data: [{ call_leg_id: 'x' }] }])(
    'is not what %j is',
    (body) => {
      expect(readActiveCalls(body)).toBeNull();
    },
  );
});
