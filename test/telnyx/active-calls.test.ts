import { describe, expect, it } from 'vitest';
import { readActiveCalls } from '../../src/telnyx/active-calls.ts';
import { nextPage } from '../../src/telnyx/pages.ts';

const leg = (id: string, clientState: string | null = null) => ({
  call_control_id: id,
  call_leg_id: 'leg',
  call_session_id: 'session',
  client_state: clientState,
  call_duration: 5,
  record_type: 'call',
});

describe('a page of active calls', () => {
  it('is read', () => {
    const data = [leg('v3:a', 'c3RhdGU='), leg('v3:b')];
    expect(readActiveCalls({ data })).toEqual([
      { callControlId: 'v3:a', sessionId: 'session', clientState: 'c3RhdGU=', durationSecs: 5 },
      { callControlId: 'v3:b', sessionId: 'session', clientState: null, durationSecs: 5 },
    ]);
  });

  it('is followed by another, in both forms that Telnyx documents', () => {
    const next = '/v2/connections/1/active_calls?page[after]=abc';
    const following = (meta: unknown) => nextPage({ data: [leg('v3:a')], meta });
    expect(following({ next })).toEqual({ 'page[after]': 'abc' });
    expect(following({ cursors: { after: 'a&b' } })).toEqual({ 'page[after]': 'a&b' });
    expect(following({ page_number: 1, total_pages: 2 })).toEqual({ 'page[number]': '2' });
    for (const last of [
      undefined,
      {},
      { next: null, cursors: { after: null } },
      { page_number: 2, total_pages: 2 },
    ]) {
      expect(following(last)).toBeNull();
    }
  });

  it('that is empty is the last one, whatever it says', () => {
    expect(nextPage({ data: [], meta: { cursors: { after: 'abc' } } })).toBeNull();
  });

  it.each([null, 'text', {}, { data: {} }, { data: [null] }, { data: [{ call_leg_id: 'x' }] }])(
    'is not what %j is',
    (body) => {
      expect(readActiveCalls(body)).toBeNull();
    },
  );
});
