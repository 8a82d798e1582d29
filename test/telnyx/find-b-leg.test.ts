import { expect, it } from 'vitest';
import type { Command } from '../../src/core/machine/command.ts';
import { findBLeg } from '../../src/telnyx/find-b-leg.ts';

const OURS = 'eyJ2IjoxLCJhIjoiYSJ9';

const command: Extract<Command, { action: 'active_calls' }> = {
  action: 'active_calls',
  id: 'question',
  callId: 'v3:caller',
  legId: 'v3:caller',
  attemptId: null,
  giveUpAt: null,
  clientState: null,
  connectionId: '1',
  targetClientState: OURS,
};

const caller = { call_control_id: 'v3:caller', client_state: OURS };
const other = { call_control_id: 'v3:other', client_state: null };
const bLeg = { call_control_id: 'v3:b', client_state: OURS };

const among = (...data: object[]) =>
  findBLeg(command, '/connections/1/active_calls', async () => ({
    status: 200,
    rateLimitReset: null,
    retryAfter: null,
    body: { data, meta: {} },
  }));

it('the leg with the envelope of the transfer is its B-leg', async () => {
  expect(await among(other, bLeg)).toMatchObject({ kind: 'accepted', bLeg: 'v3:b' });
  expect(await among(other)).toMatchObject({ kind: 'accepted', bLeg: null });
});

it('the caller’s own leg has the same envelope, and is not the B-leg', async () => {
  expect(await among(caller, other)).toMatchObject({ kind: 'accepted', bLeg: null });
  expect(await among(caller, bLeg)).toMatchObject({ kind: 'accepted', bLeg: 'v3:b' });
});

it.each([
  ['by cursor', (start: number) => ({ cursors: { after: String(start) } }), /page\[after\]=(\d+)/],
  [
    'by number',
    (start: number, size: number) => ({ page_number: start / size, total_pages: 1_000 / size }),
    /page\[number\]=(\d+)/,
  ],
])('the last of a thousand live legs is found in a few pages %s', async (_, metaOf, position) => {
  const legs = [...Array.from({ length: 999 }, () => other), bLeg];
  let asked = 0;
  const outcome = await findBLeg(command, '/connections/1/active_calls', async (path) => {
    asked += 1;
    const size = Number(/page\[size\]=(\d+)/.exec(path)?.[1] ?? 20);
    const given = Number(position.exec(path)?.[1] ?? 0);
    const start = path.includes('number') ? (given - 1) * size : given;
    const data = legs.slice(start, start + size);
    const meta = start + size < legs.length ? metaOf(start + size, size) : {};
    return { status: 200, rateLimitReset: null, retryAfter: null, body: { data, meta } };
  });
  expect(outcome).toMatchObject({ kind: 'accepted', bLeg: 'v3:b' });
  expect(asked).toBe(4);
});
