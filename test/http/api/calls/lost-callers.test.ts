/** Lost callers over HTTP: listed until somebody acknowledges them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hookOf } from '../../../helpers/machine.ts';
import { type ServedApp, serveApp } from '../../../helpers/served-app.ts';

let app: ServedApp;
beforeAll(async () => {
  app = await serveApp();
});
afterAll(() => app[Symbol.asyncDispose]());

async function listed(query = ''): Promise<{ lost_callers: object[]; next: string | null }> {
  return (await (await app.api(`/v1/lost-callers${query}`)).json()) as never;
}

async function lose(id: string): Promise<void> {
  const recovered = { living: new Set<string>() };
  const occurredAt = Date.parse('2026-03-02T15:00:00Z');
  await app.receive(hookOf(id, 'call.initiated', { recovered, occurredAt }));
}

test('a caller whom nobody heard is listed until somebody takes note, which is written down', async () => {
  await lose('v3:lost/1');
  await lose('v3:lost/2');
  expect(await listed('?limit=1')).toMatchObject({ lost_callers: [{}], next: expect.any(String) });
  expect((await listed()).lost_callers).toContainEqual({
    from: '+14155550101',
    to: '+14155550100',
    at: '2026-03-02T15:00:00.000Z',
    call_control_id: 'v3:lost/1',
  });
  const path = `/v1/lost-callers/${encodeURIComponent('v3:lost/1')}/ack`;
  for (const status of [200, 200]) {
    const answer = await app.api(path, { method: 'POST' });
    expect(answer.status).toBe(status);
    expect(await answer.json()).toEqual({ call_control_id: 'v3:lost/1', acknowledged: true });
  }
  const left = await listed();
  expect(left).toMatchObject({ lost_callers: [{ call_control_id: 'v3:lost/2' }], next: null });
  const actions = app.lines.filter(({ event }) => event === 'admin.action');
  expect(actions.map(({ fields }) => fields)).toMatchObject([
    { action: 'acknowledge', call_control_id: 'v3:lost/1' },
  ]);
  const call = await app.api(`/v1/calls/${encodeURIComponent('v3:lost/1')}`);
  expect(await call.json()).toMatchObject({
    ends: 'missed',
    timeline: [{ recovered: true }, { source: 'acknowledged', recovered: false }],
  });
});

test('who was not lost cannot be taken note of', async () => {
  await app.receive(hookOf('v3:served', 'call.initiated'));
  for (const id of ['v3:served', 'v3:nobody']) {
    const answer = await app.api(`/v1/lost-callers/${id}/ack`, { method: 'POST' });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ reason: 'no_such_lost_caller' });
  }
});
