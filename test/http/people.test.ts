/** Who may do what, over HTTP: tokens from a file, roles, sessions, and the audit. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { RefereeError } from '../../src/errors.ts';
import { openPeople, type People } from '../../src/http/people/people.ts';
import { digestOf } from '../../src/http/people/person.ts';
import { readTokenFile } from '../../src/http/people/token-file.ts';
import { ADMIN_TOKEN, type ServedApp, serveApp } from '../helpers/served-app.ts';
import { incomingCall } from '../helpers/webhooks.ts';

const TOKENS = { viewer: 'viewers-token-0123456789', operator: 'operators-token-0123456789' };
const folder = mkdtempSync(join(tmpdir(), 'referee-people-'));
const file = join(folder, 'tokens.yaml');
let app: ServedApp;
let people: People;

function entry(name: string, role: string, token: string): string {
  return `  - { name: ${name}, role: ${role}, sha256: ${digestOf(token).toString('hex')} }\n`;
}

const BOTH = `tokens:\n${entry('vera', 'viewer', TOKENS.viewer)}${entry('otto', 'operator', TOKENS.operator)}`;

beforeAll(async () => {
  writeFileSync(file, BOTH);
  const log = { emit: () => {} };
  people = await openPeople({ adminToken: ADMIN_TOKEN, file, log, now: Date.now });
  app = await serveApp({ deps: { people } });
});
afterAll(async () => {
  people.stop();
  await app.close();
  rmSync(folder, { recursive: true });
});

function as(token: string, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { ...init.headers, authorization: `Bearer ${token}` };
  return fetch(`${app.url}${path}`, { ...init, headers });
}

function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  return fetch(`${app.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

async function signIn(token: string, headers: Record<string, string> = {}) {
  const answer = await post('/v1/session', { token }, headers);
  const set = answer.headers.get('set-cookie') ?? '';
  return { answer, set, cookie: set.split(';')[0] ?? '' };
}

test('no endpoint of the OpenAPI document gives anybody more than their role', async () => {
  const document = (await (await app.api('/v1/openapi.json')).json()) as {
    paths: Record<string, Record<string, { 'x-role'?: string }>>;
  };
  const ranks = ['viewer', 'operator', 'admin'];
  let asked = 0;
  for (const [path, item] of Object.entries(document.paths)) {
    if (!path.startsWith('/v1') && path !== '/metrics') continue;
    for (const [method, { 'x-role': needed }] of Object.entries(item)) {
      expect([method, path, needed]).not.toContain(undefined);
      if (needed === 'anyone') continue;
      // No endpoint that changes something is for viewers, except the dry run.
      const writes = method !== 'get' && path !== '/v1/routes/explain';
      if (writes) expect([path, needed]).not.toContain('viewer');
      for (const [role, token] of Object.entries(TOKENS)) {
        if (ranks.indexOf(role) >= ranks.indexOf(needed ?? '')) continue;
        const url = path.replaceAll(/\{\w+\}/g, '1');
        const answer = await as(token, url, { method: method.toUpperCase() });
        expect([method, path, role, answer.status]).toEqual([method, path, role, 403]);
        expect(answer.headers.get('content-type')).toBe('application/problem+json');
        expect(((await answer.json()) as { reason: string }).reason).toBe('role_too_small');
        asked += 1;
      }
      const unknown = await fetch(`${app.url}${path.replaceAll(/\{\w+\}/g, '1')}`, {
        method: method.toUpperCase(),
      });
      expect([path, unknown.status]).toEqual([path, 401]);
    }
  }
  expect(asked).toBeGreaterThan(10);
  for (const path of ['/v1/calls', '/v1/outbox', '/v1/dead-letters']) {
    expect([path, (await as(TOKENS.viewer, path)).status]).toEqual([path, 200]);
  }
  // Whoever may read is told what does not exist.
  expect((await as(TOKENS.viewer, '/v1/nothing')).status).toBe(404);
});

describe('a session', () => {
  test('is a cookie that scripts and other sites cannot use, and a new one at each sign-in', async () => {
    const { answer, set, cookie } = await signIn(TOKENS.viewer);
    expect(await answer.json()).toMatchObject({ name: 'vera', role: 'viewer' });
    for (const part of ['HttpOnly', 'SameSite=Strict', 'Path=/']) expect(set).toContain(part);
    expect(set).not.toContain('Secure');
    expect(set).not.toContain(TOKENS.viewer);
    const secure = await signIn(TOKENS.viewer, { cookie, 'x-forwarded-proto': 'https' });
    expect(secure.set).toContain('Secure');
    expect(secure.cookie).not.toBe(cookie);
    const mine = await fetch(`${app.url}/v1/session`, { headers: { cookie } });
    expect(await mine.json()).toMatchObject({ name: 'vera', role: 'viewer' });
    const stream = await fetch(`${app.url}/v1/events`, { headers: { cookie } });
    expect(stream.status).toBe(200);
    await stream.body?.cancel();
  });

  test('is not usable by another site, and ends with a sign-out', async () => {
    const { cookie } = await signIn(TOKENS.operator);
    const turn = (headers: Record<string, string>) =>
      post('/v1/switches/main-site', { on: false }, { cookie, ...headers });
    expect((await turn({ origin: 'https://evil.example.com' })).status).toBe(403);
    expect((await turn({ origin: 'null' })).status).toBe(403);
    expect((await turn({ origin: app.url })).status).toBe(200);
    const out = (headers = {}) => fetch(`${app.url}/v1/session`, { method: 'DELETE', headers });
    expect((await out({ cookie, origin: 'https://evil.example.com' })).status).toBe(403);
    expect((await out({ cookie })).status).toBe(204);
    expect((await turn({ origin: app.url })).status).toBe(401);
    expect((await out()).status).toBe(204);
  });

  test('is not made of a changed cookie or a wrong token, and guessing is limited', async () => {
    const { cookie } = await signIn(TOKENS.viewer);
    const [name = '', value = ''] = cookie.split('=');
    const [claims = '', signature = ''] = value.split('.');
    const other = Buffer.from(claims, 'base64url').toString().replace('vera', 'otto');
    const forged = `${name}=${Buffer.from(other).toString('base64url')}.${signature}`;
    expect((await fetch(`${app.url}/v1/calls`, { headers: { cookie: forged } })).status).toBe(401);
    const statuses = new Set<number>();
    for (let n = 0; n < 12; n += 1) statuses.add((await signIn(`wrong-${n}`)).answer.status);
    expect([...statuses]).toEqual([401, 429]);
    expect((await signIn(TOKENS.viewer)).answer.status).toBe(200);
  });
});

test('what is done is kept with who, what, to what, why, from where and the result', async () => {
  const body = incomingCall('v3:hang', { to: '+14155550100' });
  expect((await app.deliver(body)).status).toBe(200);
  const headers = { authorization: `Bearer ${TOKENS.operator}` };
  const next = await post('/v1/calls/v3:hang/next', { reason: 'too long' }, headers);
  expect([next.status, ((await next.json()) as { reason: string }).reason]).toEqual([
    409,
    'no_attempt',
  ]);
  const done = await as(TOKENS.operator, '/v1/calls/v3:hang/hangup', { method: 'POST' });
  expect([done.status, await done.json()]).toMatchObject([202, { call: { phase: 'releasing' } }]);
  expect((await as(TOKENS.operator, '/v1/calls/v3:none/hangup', { method: 'POST' })).status).toBe(
    404,
  );

  const read = async (query: string) => {
    const answer = await as(TOKENS.viewer, `/v1/audit?${query}`);
    return (await answer.json()) as { audit: Record<string, unknown>[]; next: string | null };
  };
  const { audit } = await read('who=otto&to=v3:hang');
  expect(audit).toMatchObject([
    { what: 'hangup', to: 'v3:hang', result: 'ok', from: '127.0.0.1', role: 'operator' },
    { what: 'next', reason: 'too long', result: 'no_attempt' },
  ]);
  const first = await read('limit=1');
  const second = await read(`limit=1&cursor=${first.next}`);
  expect(second.audit[0]?.id).not.toBe(first.audit[0]?.id);
  const csv = await fetch(`${app.url}/v1/audit?who=otto&to=v3:hang&limit=1`, {
    headers: { authorization: `Bearer ${TOKENS.viewer}`, accept: 'text/csv' },
  });
  expect(await csv.text()).toMatch(
    /^when,who,role,what,to,reason,result,from,detail\r?\n[^\n]*,otto,operator,hangup,v3:hang,/,
  );
  expect((await read('since=2999-01-01T00:00:00Z')).audit).toEqual([]);
  expect(app.lines.findLast(({ event }) => event === 'admin.action')?.fields).toMatchObject({
    by: 'otto',
    action: 'hangup',
  });
});

test('a dead letter is processed again, or thrown away', async () => {
  const event = { ...app.events.at(-1), id: 'operator:again', callId: 'v3:hang' };
  await app.store.deadLetter(event, 'Error: broken', null);
  await app.store.deadLetter({ no: 'event' }, 'Error: broken', null);
  const headers = { authorization: `Bearer ${TOKENS.operator}` };
  const list = await (await as(TOKENS.operator, '/v1/dead-letters')).json();
  const [junk, good] = (list as { dead_letters: { id: number; type: string }[] }).dead_letters;
  expect(good).toMatchObject({ type: 'operator.hangup', call_control_id: 'v3:hang' });
  expect((await post(`/v1/dead-letters/${junk?.id}/retry`, {}, headers)).status).toBe(422);
  const retried = await post(`/v1/dead-letters/${good?.id}/retry`, {}, headers);
  expect(await retried.json()).toEqual({ id: good?.id, result: 'committed' });
  expect((await post(`/v1/dead-letters/${good?.id}/retry`, {}, headers)).status).toBe(404);
  expect((await post(`/v1/dead-letters/${junk?.id}/discard`, {}, headers)).status).toBe(200);
  const outbox = await (await as(TOKENS.operator, '/v1/outbox')).json();
  expect(outbox).toMatchObject({
    pending: 1,
    commands: [
      { action: 'hangup', call_control_id: 'v3:hang', to: '+14155550100', last_answer: null },
    ],
  });
});

test('whatever is refused is kept as well, with the reason of the refusal', async () => {
  const document = (await (await app.api('/v1/openapi.json')).json()) as {
    paths: Record<string, Record<string, { 'x-role'?: string; 'x-action'?: string }>>;
  };
  const acting = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => path.startsWith('/v1') && method !== 'get')
      .map(([, operation]) => ({ path, role: operation['x-role'], action: operation['x-action'] })),
  );
  const named = acting.filter(({ action }) => action !== undefined);
  // All except the dry run and the session, whose sign-in is recorded once the person is known.
  expect(acting.filter(({ action }) => action === undefined).map(({ path }) => path)).toEqual([
    '/v1/session',
    '/v1/session',
    '/v1/routes/explain',
  ]);
  const newest = async () => (await app.store.audit({ limit: 1 })).rows[0];
  for (const { path, action } of named) {
    const id = path.includes('{hash}') ? 'f'.repeat(64) : '77';
    const url = path.replaceAll(/\{\w+\}/g, id);
    const to = path.includes('{') ? id : null;
    const said = { reason: 'as a test' };
    const viewer = await post(url, said, { authorization: `Bearer ${TOKENS.viewer}` });
    expect([path, viewer.status]).toEqual([path, 403]);
    const refused = { who: 'vera', role: 'viewer', what: action, to, from: '127.0.0.1' };
    expect(await newest()).toMatchObject({ ...refused, result: 'role_too_small' });
    if (action === 'reload') continue;
    const body = /refer$/.test(path)
      ? { target: 'x' }
      : /override/.test(path)
        ? { open: true }
        : {};
    if (/switches|rest$/.test(path)) Object.assign(body, { on: true });
    const admin = await post(url, body, { authorization: `Bearer ${ADMIN_TOKEN}` });
    const { reason } = (await admin.json()) as { reason: string };
    expect([path, admin.status]).toEqual([path, 404]);
    expect(await newest()).toMatchObject({ who: 'admin', what: action, to, result: reason });
  }
  const headers = { authorization: `Bearer ${TOKENS.operator}` };
  await post('/v1/switches/main-site', { on: 'maybe', reason: 'no power' }, headers);
  const bad = { to: 'main-site', reason: 'no power', result: 'invalid_body' };
  expect(await newest()).toMatchObject({ who: 'otto', what: 'switch', ...bad });
  const { cookie } = await signIn(TOKENS.operator);
  await post('/v1/switches/main-site', { on: false }, { cookie, origin: 'https://evil.example' });
  expect(await newest()).toMatchObject({ who: 'otto', what: 'switch', result: 'cross_site' });
  // Reading is not an action, and requests without a person are not recorded.
  const before = await newest();
  await as(TOKENS.viewer, '/v1/calls?limit=0');
  await post('/v1/switches/main-site', { on: false });
  expect(await newest()).toEqual(before);
});

test('who may only read cannot fill the store with refusals', async () => {
  // Its clock does not move, so everything is within one minute.
  await using own = await serveApp({ deps: { people, now: () => 1_900_000_000_000 } });
  const send = (path: string, body: object) =>
    fetch(`${own.url}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${TOKENS.viewer}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    });
  for (let n = 0; n < 35; n += 1) {
    expect((await send('/v1/routes/reload', {})).status).toBe(403);
    expect((await send('/v1/session', { token: TOKENS.viewer })).status).toBe(200);
  }
  const { rows } = await own.store.audit({ who: 'vera', limit: 100 });
  expect(rows).toHaveLength(60);
  const lines = own.lines.filter(
    ({ event, fields }) => event === 'admin.action' && fields.by === 'vera',
  );
  expect(lines).toHaveLength(70);
});

test('the file is read again; a broken one changes nothing and is a problem', async () => {
  const { cookie } = await signIn(TOKENS.viewer);
  const asked = async () => (await fetch(`${app.url}/v1/calls`, { headers: { cookie } })).status;
  writeFileSync(file, `${BOTH}  - { name: x, role: boss, sha256: 12 }\n`);
  await people.look();
  expect(people.troubles()).toMatchObject([{ kind: 'tokens.refused' }]);
  expect(await asked()).toBe(200);
  writeFileSync(file, `tokens:\n${entry('otto', 'operator', TOKENS.operator)}`);
  await people.look();
  expect(people.troubles()).toEqual([]);
  // The test above may have used up the 401 answers of this address.
  expect([401, 429]).toContain(await asked());
  expect((await as(TOKENS.viewer, '/v1/calls')).status).not.toBe(200);
});

test('no tokens are read from a named pipe or a device, which may never end', async () => {
  const log = { emit: () => {} };
  const options = { adminToken: null, file: '/dev/zero', log, now: Date.now };
  await expect(openPeople(options)).rejects.toThrow('/dev/zero is not a file');
});

test('problems of the file are located', () => {
  const read = (text: string) => readTokenFile('tokens.yaml', Buffer.from(text));
  const hex = 'a'.repeat(64);
  expect(read(`tokens:\n  - { name: a, role: viewr, sha256: ${hex} }\n`)).toMatchObject({
    problems: [{ line: 2, column: 22 }],
  });
  const twice = `  - { name: a, role: viewer, sha256: ${hex} }\n`;
  expect(read(`tokens:\n${twice}${twice}`)).toMatchObject({
    problems: [{ line: 3 }, { line: 3 }],
  });
  expect(read(`tokens: [{ name: admin, role: viewer, sha256: ${hex} }]\n`).ok).toBe(false);
  const secret = read('tokens:\n  - { name: a, role: viewer, sha256: my-secret-token }\n');
  expect(JSON.stringify(secret)).not.toContain('my-secret-token');
  expect(secret).toMatchObject({
    problems: [
      {
        message:
          '"sha256" must be a SHA-256 of the token as 64 hexadecimal digits, as "referee token" prints it',
      },
    ],
  });
  expect(read(`tokens: [{ name: _a, role: viewer, sha256: ${hex} }]\n`)).toMatchObject({
    problems: [
      {
        message:
          '"name" must be a name of at most 64 letters, digits and ._@-, which begins with a letter or digit, not "_a"',
      },
    ],
  });
  // A token without a name or a SHA-256 hides no other mistake, and is like no other token.
  const halves = `tokens: [{ name: admin, role: viewer }, { sha256: ${hex}, role: boss }, { role: viewer }]\n`;
  const found = read(halves);
  expect(found.ok ? [] : found.problems.map(({ message }) => message)).toEqual([
    'an item of "tokens" has no sha256',
    'the name admin is that of ADMIN_TOKEN',
    'an item of "tokens" has no name',
    '"role" cannot be "boss"',
    'an item of "tokens" has no name',
    'an item of "tokens" has no sha256',
  ]);
  expect(read('').ok).toBe(false);
  expect(read('tokens: []').ok).toBe(true);
});

test('nothing is done that cannot be kept, by whatever endpoint', async () => {
  const document = (await (await app.api('/v1/openapi.json')).json()) as {
    paths: Record<string, Record<string, { 'x-role'?: string }>>;
  };
  expect((await app.deliver(incomingCall('v3:kept', { to: '+14155550100' }))).status).toBe(200);
  await app.store.deadLetter({ id: 'operator:kept', callId: 'v3:kept' }, 'broken', null);
  const [letter] = await app.store.deadLetters(1, null);
  const bodies: Record<string, object> = {
    '/v1/calls/{call_control_id}/refer': { target: 'support-us' },
    '/v1/schedules/{name}/override': { open: false },
    '/v1/switches/{name}': { on: false },
    '/v1/targets/{name}/rest': { on: true },
  };
  const names: Record<string, string> = {
    schedules: 'office',
    switches: 'main-site',
    targets: 'support-us',
  };
  const before = [await app.store.setting('overrides'), await app.store.find('v3:kept')];
  const seen = app.events.length;
  const addAudit = vi
    .spyOn(app.store, 'addAudit')
    .mockRejectedValue(new RefereeError('STORE_UNAVAILABLE', 'the disk is full'));
  try {
    let asked = 0;
    for (const [path, { post: operation }] of Object.entries(document.paths)) {
      const role = operation?.['x-role'];
      if (role !== 'operator' && role !== 'admin') continue;
      const [, , kind = ''] = path.split('/');
      const url = path
        .replace('{call_control_id}', 'v3:kept')
        .replace('{name}', names[kind] ?? '')
        .replace('{id}', String(letter?.id))
        .replace('{hash}', app.set.hash);
      const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
      const answer = await post(url, bodies[path] ?? {}, headers);
      const { reason } = (await answer.json()) as { reason: string };
      expect([path, answer.status, reason]).toEqual([path, 503, 'store_unavailable']);
      asked += 1;
    }
    expect([asked, addAudit.mock.calls.length]).toEqual([11, 11]);
  } finally {
    addAudit.mockRestore();
  }
  expect([await app.store.setting('overrides'), await app.store.find('v3:kept')]).toEqual(before);
  expect(app.events).toHaveLength(seen);
  expect(await app.store.findDeadLetter(letter?.id ?? 0)).not.toBeNull();
});

test('a request that is refused because the store fails is no error of the audit', async () => {
  const away = new RefereeError('STORE_UNAVAILABLE', 'the disk is full');
  const failing = [
    vi.spyOn(app.store, 'addAudit').mockRejectedValue(away),
    vi.spyOn(app.store, 'find').mockRejectedValue(away),
  ];
  const before = app.lines.length;
  try {
    const answer = await post(
      '/v1/calls/v3:kept/hangup',
      {},
      {
        authorization: `Bearer ${TOKENS.operator}`,
      },
    );
    expect(answer.status).toBe(503);
  } finally {
    for (const each of failing) each.mockRestore();
  }
  const said = app.lines.slice(before).map(({ event, fields }) => [event, fields.result]);
  expect(said).toEqual([['admin.action', 'store_unavailable']]);
});

test('what came of it is unknown where it fails halfway, or where the end cannot be kept', async () => {
  const rows = async () => (await app.store.audit({ what: 'switch', limit: 2 })).rows;
  const turn = (on: boolean) =>
    post('/v1/switches/main-site', { on }, { authorization: `Bearer ${TOKENS.operator}` });
  const failing = vi
    .spyOn(app.store, 'changeSetting')
    .mockRejectedValueOnce(new RefereeError('COMMIT_UNKNOWN', 'the connection was lost'));
  expect((await turn(false)).status).toBe(503);
  failing.mockRestore();
  const unwritten = vi.spyOn(app.store, 'endAudit').mockRejectedValueOnce(new Error('disk full'));
  expect((await turn(false)).status).toBe(200);
  unwritten.mockRestore();
  expect(await rows()).toMatchObject([{ result: 'unknown' }, { result: 'unknown' }]);
  const actions = app.lines.filter(({ fields }) => fields.action === 'switch');
  expect(actions.slice(-3).map(({ event, fields }) => [event, fields.result])).toEqual([
    ['admin.action', 'unknown'],
    ['admin.action', 'ok'],
    ['audit.unwritten', undefined],
  ]);
  expect((await turn(true)).status).toBe(200);
  expect((await rows())[0]).toMatchObject({ result: 'ok', detail: { on: true } });
});
