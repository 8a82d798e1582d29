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
