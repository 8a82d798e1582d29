/** Resting targets in the API and on the command line, and overriding one. */
import { Value } from 'typebox/value';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runOverriding } from '../../../../src/cli/overriding.ts';
import { OVERRIDABLE_TARGETS } from '../../../../src/cli/targets.ts';
import { restState } from '../../../../src/core/rules/targets/rest.ts';
import { createResting, type Resting } from '../../../../src/engine/resting/resting.ts';
import { RESTED, TARGETS } from '../../../../src/http/api/overriding/targets-schemas.ts';
import { aCall, anAttempt } from '../../../helpers/documents.ts';
import { webhook } from '../../../helpers/machine.ts';
import { ADMIN_TOKEN, type ServedApp, serveApp } from '../../../helpers/served-app.ts';
import { inZone, written } from '../../../helpers/written.ts';

let app: ServedApp;
let resting: Resting;
beforeAll(async () => {
  app = await serveApp();
});
afterAll(() => app.close());
beforeEach(async () => {
  await app.store.changeSetting('rest', () => null);
  await app.store.changeSetting('overrides', () => null);
  const log = { emit: (event: string, fields = {}) => app.lines.push({ event, fields }) };
  const failed = (error: unknown) => {
    throw error;
  };
  const failures = { failed, worked() {} };
  resting = createResting({ store: app.store, rests: () => true, log, failures });
  app.lines.length = 0;
});

/** Stores attempts with these verdicts, one after another. */
async function ended(target: string, ...verdicts: ('server_error' | 'not_allowed')[]) {
  for (const [n, verdict] of verdicts.entries()) {
    const code = verdict === 'not_allowed' ? 405 : 503;
    const now = Date.now();
    const attempt = anAttempt(`${target}-${n}`, {
      target,
      verdict,
      final: true,
      sipNotifyResponse: code,
      startedAt: now - 1,
      endedAt: now,
    });
    const call = aCall(`call-${n}`, { attempts: [attempt] });
    const event = webhook('call.refer.failed', { callId: call.id });
    resting.observer.committed(event, null, call, [
      { kind: 'attempt_ended', attempt, corrected: false },
    ]);
  }
  await resting.stop();
}

const list = async () => Value.Parse(TARGETS, await (await app.api('/v1/targets')).json());
const one = async (name: string) => (await list()).targets.find((target) => target.name === name);
const post = (name: string, body: object) =>
  app.api(`/v1/targets/${name}/rest`, { method: 'POST', body: JSON.stringify(body) });
const problems = async () =>
  ((await (await app.api('/v1/problems')).json()) as { problems: { kind: string }[] }).problems;

const run = (name?: string, state?: string, options = {}) =>
  written((io) => runOverriding(OVERRIDABLE_TARGETS, { name, state }, options, io), {
    env: { REFEREE_URL: app.url, REFEREE_TOKEN: ADMIN_TOKEN },
  });

describe('a target that is down', () => {
  it('is shown with since when, why and when it is tried next, and is a problem', async () => {
    await ended('support-us', ...Array.from({ length: 5 }, () => 'server_error' as const));
    expect(await one('support-us')).toMatchObject({
      resting: true,
      why: expect.stringContaining('5 failures in a row, the last: server error'),
      since: expect.any(String),
      next_try: expect.any(String),
      failures_in_row: 5,
      failed: 5,
      attempts: 5,
      rest: 'on',
      override: null,
    });
    expect(await problems()).toContainEqual(
      expect.objectContaining({
        kind: 'target.resting',
        severity: 'warning',
        target: 'support-us',
        title: expect.stringMatching(/^Target support-us has been resting since .*, next try at /),
      }),
    );
    expect(app.lines.filter(({ event }) => event === 'target.resting')).toHaveLength(1);
    expect((await run('support-us')).out).toMatch(
      /^rests support-us {2}support-us has been resting since /,
    );
  });

  it('can be woken by hand, with a clean slate', async () => {
    await ended('support-us', ...Array.from({ length: 5 }, () => 'server_error' as const));
    const woken = await run('support-us', 'auto', { reason: 'trunk repaired' });
    expect(woken).toEqual({ code: 0, out: 'awake support-us  no failures\n', err: '' });
    expect(await one('support-us')).toMatchObject({ resting: false, failures_in_row: 0 });
    expect(app.lines).toContainEqual({
      event: 'target.awake',
      fields: { target: 'support-us', rested_ms: null, by: 'admin' },
    });
  });
});

describe('forcing by hand', () => {
  it('rests a target until a time for a reason, and shows that as forced', async () => {
    const until = '2099-01-01T00:00:00.000Z';
    const answer = await post('support-us', { until, reason: 'new firmware' });
    expect(Value.Parse(RESTED, await answer.json())).toMatchObject({
      target: 'support-us',
      resting: true,
      why: 'support-us was put to rest by admin until 2099-01-01 00:00:00 UTC (new firmware)',
      override: { on: true, until, reason: 'new firmware', by: 'admin' },
    });
    expect(await one('support-us')).toMatchObject({ resting: true, override: { on: true, until } });
    expect(await problems()).toContainEqual(
      expect.objectContaining({
        kind: 'target.forced',
        forced: expect.objectContaining({ name: 'support-us', state: 'resting', until }),
      }),
    );
    await inZone('Asia/Kolkata', async () => {
      expect((await run('support-us')).out).toBe(
        'rests support-us  until 2099-01-01T05:30:00+05:30, by admin: new firmware\n',
      );
    });
    const { audit } = (await (await app.api('/v1/audit?what=target_rest')).json()) as {
      audit: object[];
    };
    expect(audit[0]).toMatchObject({ who: 'admin', to: 'support-us', reason: 'new firmware' });
    expect((await run('support-us', 'auto')).out).toContain('awake support-us');
    expect((await problems()).filter(({ kind }) => kind === 'target.forced')).toEqual([]);
  });

  it('keeps a target awake, and leaves forced schedules and switches as they are', async () => {
    await app.api('/v1/switches/main-site', { method: 'POST', body: '{"on":false}' });
    await ended('support-us', ...Array.from({ length: 5 }, () => 'server_error' as const));
    expect(await (await post('support-us', { on: false, until: null })).json()).toMatchObject({
      resting: false,
      override: { on: false, until: null },
    });
    expect((await app.store.setting('overrides')).value).toMatchObject({
      switches: { 'main-site': { on: false } },
      targets: { 'support-us': { rest: false } },
    });
    expect(restState((await app.store.setting('rest')).value).targets['support-us']?.rest).toBe(
      null,
    );
    await app.api('/v1/switches/main-site', { method: 'POST', body: '{"on":null}' });
    expect(await one('support-us')).toMatchObject({ override: { on: false } });
  });

  it('refuses an unknown target, a time that is over or has no zone, and unknown fields', async () => {
    const refusal = async (name: string, body: object) => {
      const answer = await post(name, body);
      return [answer.status, ((await answer.json()) as { reason?: string }).reason];
    };
    expect(await refusal('nobody', {})).toEqual([404, 'unknown_target']);
    expect(await refusal('support-us', { until: '2020-01-01T00:00:00Z' })).toEqual([
      422,
      'until_in_the_past',
    ]);
    expect(await refusal('support-us', { until: '2099-01-01T00:00' })).toEqual([
      400,
      'invalid_body',
    ]);
    expect((await post('support-us', { resting: true })).status).toBe(400);
    expect(await run('support-us', 'down')).toMatchObject({
      code: 2,
      err: expect.stringContaining('expected rest, awake or auto'),
    });
  });
});

it('REFERs that were refused with 405 are listed with until when that is remembered', async () => {
  await ended('support-us', 'not_allowed');
  const { refused_refers: refused, targets } = await list();
  expect(refused).toMatchObject([
    { connection_id: '1494404757140276705', target: 'support-us', until: expect.any(String) },
  ]);
  expect(targets.every(({ resting: rests }) => !rests)).toBe(true);
});
