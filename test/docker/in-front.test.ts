/**
 * nginx and Caddy in front of the real HTTP side, with the files shipped in docker/, of which only
 * names, certificates and ports are changed. A client that signs and uses HTTPS stands in for
 * Telnyx.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../helpers/free-port.ts';
import { eventually } from '../helpers/referee-process.ts';
import { type ServedApp, serveApp } from '../helpers/served-app.ts';
import { signedHeaders, type TelnyxKey, telnyxKey, webhookBody } from '../helpers/webhooks.ts';

const DOCKER = join(import.meta.dirname, '../../docker');
const HOST = 'calls.example.com';
const WEBHOOK = '/webhooks/telnyx';

interface Front {
  /** Both have to be installed. */
  programs: string[];
  /** The configuration for these ports, and how it is checked and run. */
  prepare(folder: string, port: number, upstreams: number[]): Promise<Prepared>;
  /**
   * True: a webhook for a dead or stopping replica is tried on the next one. False: only health
   * checks keep webhooks away from it, and the first ones get a 503 or 502, after which Telnyx
   * delivers again.
   */
  triesAgain: boolean;
}

interface Prepared {
  check: string[];
  run: string[];
}

const FRONTS: Record<string, Front> = {
  nginx: { programs: ['nginx', 'openssl'], prepare: prepareNginx, triesAgain: true },
  Caddy: { programs: ['caddy'], prepare: prepareCaddy, triesAgain: false },
};

async function prepareNginx(folder: string, port: number, upstreams: number[]): Promise<Prepared> {
  const [certificate, key] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-subj', `/CN=${HOST}`, '-days', '2', '-keyout', key, '-out', certificate],
  ]);
  expect(made.status, made.stderr.toString()).toBe(0);
  const servers = upstreams.map((each) => `  server 127.0.0.1:${each} max_fails=0;`);
  const site = changed(await readFile(join(DOCKER, 'nginx/referee.conf'), 'utf8'), [
    [
      '  server 127.0.0.1:3000 max_fails=0;\n  server 127.0.0.1:3010 max_fails=0;',
      servers.join('\n'),
    ],
    ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
    ['/etc/letsencrypt/live/calls.example.com/fullchain.pem', certificate],
    ['/etc/letsencrypt/live/calls.example.com/privkey.pem', key],
  ]);
  await writeFile(join(folder, 'referee.conf'), site);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `  ${name}_temp_path ${join(folder, name)};`,
  );
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off;
master_process off;
pid ${join(folder, 'nginx.pid')};
error_log stderr;
events {}
http {
  access_log off;
${temporary.join('\n')}
  include ${join(folder, 'referee.conf')};
}
`,
  );
  const nginx = ['nginx', '-p', folder, '-c', join(folder, 'nginx.conf')];
  return { check: [...nginx, '-t'], run: nginx };
}

async function prepareCaddy(folder: string, port: number, upstreams: number[]): Promise<Prepared> {
  const addresses = upstreams.map((each) => `127.0.0.1:${each}`);
  const site = changed(await readFile(join(DOCKER, 'caddy/Caddyfile'), 'utf8'), [
    [
      '{\n\t# Telnyx',
      `{\n\tadmin off\n\tskip_install_trust\n\tstorage file_system ${folder}\n\t# Telnyx`,
    ],
    ['127.0.0.1:3000 127.0.0.1:3010', addresses.join(' ')],
    [
      'calls.example.com {',
      `https://calls.example.com:${port} {\n\tbind 127.0.0.1\n\ttls internal`,
    ],
  ]);
  const file = join(folder, 'Caddyfile');
  await writeFile(file, site);
  const caddy = (word: string) => ['caddy', word, '--config', file, '--adapter', 'caddyfile'];
  return { check: caddy('validate'), run: caddy('run') };
}

/**
 * Every text must be found, so that a changed file is not tested with only some of the
 * replacements.
 */
function changed(text: string, changes: [string, string][]): string {
  let result = text;
  for (const [from, to] of changes) {
    expect(result).toContain(from);
    result = result.replace(from, to);
  }
  return result;
}

for (const [name, front] of Object.entries(FRONTS)) {
  const missing = front.programs.filter((each) => spawnSync(each, ['version']).error !== undefined);
  if (missing.length > 0) {
    console.warn(
      `${missing.join(', ')} is not here: install it to have docker's ${name} file tried.`,
    );
  }

  describe.skipIf(missing.length > 0)(`${name} (skipped where it is not installed)`, () => {
    test('with two upstreams of which one is dead, 100 webhooks get 100 times 200', async () => {
      const { replicas, send } = await stage(front, 1, 1);
      if (!front.triesAgain) await settled(send, [502]);
      const before = replicas[0]?.events.length ?? 0;
      expect(await volley(send, 100)).toEqual(Array(100).fill(200));
      expect(replicas[0]?.events).toHaveLength(before + 100);
    });

    test('a replica that is closed while connections to it are open costs no webhook', async () => {
      const { replicas, send } = await stage(front, 2);
      expect(await volley(send, 40)).toEqual(Array(40).fill(200));
      for (const { events } of replicas) expect(events.length).toBeGreaterThan(0);
      await replicas.shift()?.close();
      if (!front.triesAgain) await settled(send, [502]);
      expect(await volley(send, 40)).toEqual(Array(40).fill(200));
    });

    test.each([
      ['spaces, line ends and letters beyond ASCII', ' \r\n\t', '\n\n'],
      ['nothing but itself', '', ''],
      ['200 KB of spaces in front', ' '.repeat(200_000), ''],
    ])(
      'the body passes byte by byte, in one piece and in chunks: %s',
      async (_what, before, after) => {
        const { replicas, send } = await stage(front, 1);
        const body = `${before}${webhookBody('call.initiated', { caller_id_name: 'Zoë ☎ /' })}${after}`;
        expect(await send({ body })).toMatchObject({ status: 200 });
        const inChunks = `${before}${webhookBody('call.initiated', { caller_id_name: 'Zoë' })}${after}`;
        expect(await send({ body: inChunks, chunks: 7 })).toMatchObject({ status: 200 });
        expect(replicas[0]?.events).toHaveLength(2);
        // A signature of other bytes is refused, so those above arrived unchanged.
        const altered = await send({ body: `${body} `, signed: body });
        expect(altered.status).toBe(401);
      },
    );

    test('nothing but the webhook and the readiness check gets through, and nothing redirects', async () => {
      const { send } = await stage(front, 1);
      const token = { authorization: 'Bearer a-token-of-at-least-24-characters' };
      const closed = [
        ...['/', '/metrics', '/v1', '/v1/calls', '/v1/openapi.json', '/health/live', '/health'],
        ...[
          '/webhooks/telnyx/',
          '/webhooks/telnyx/x',
          '/webhooks',
          '/webhooks/telnyx/../../v1/calls',
        ],
        ...['/health/ready/../../v1/calls', '/webhooks/telnyx%2f..%2f..%2fv1/calls', '//v1/calls'],
        ...['/V1/calls', '/main.js', '/index.html'],
      ];
      for (const path of closed) {
        for (const method of ['GET', 'POST']) {
          const { status, headers } = await send({ method, path, headers: token });
          expect([404, 405], `${method} ${path}: ${status}`).toContain(status);
          expect(headers.location, path).toBeUndefined();
        }
      }
      expect((await send({ method: 'GET', path: '/health/ready' })).status).toBe(200);
      for (const [method, path] of [
        ['GET', WEBHOOK],
        ['DELETE', WEBHOOK],
        ['POST', '/health/ready'],
      ]) {
        expect([404, 405], `${method} ${path}`).toContain((await send({ method, path })).status);
      }
      // Other spellings of the two paths lead to them or to nothing, but never to another endpoint.
      for (const path of ['//webhooks/telnyx', '/v1/../webhooks/telnyx', '/Webhooks/Telnyx']) {
        const { status } = await send({ path, body: webhookBody('call.initiated') });
        expect([200, 404], path).toContain(status);
      }
    });

    test('a replica that stops: the other one takes the webhooks', async () => {
      const { replicas, send } = await stage(front, 2);
      const [stopping] = replicas;
      if (stopping === undefined) throw new Error('no replica');
      stopping.lifecycle.phase = 'stopping';
      if (!front.triesAgain) await settled(send, [503]);
      expect(await volley(send, 40)).toEqual(Array(40).fill(200));
    });

    test('when all stop, their 503 reaches Telnyx, which tries again', async () => {
      const { replicas, send } = await stage(front, 2);
      for (const { lifecycle } of replicas) lifecycle.phase = 'stopping';
      const { status, headers } = await send({ body: webhookBody('call.initiated') });
      expect(status).toBe(503);
      for (const replica of replicas) replica.lifecycle.phase = 'running';
      await eventually(
        async () => (await send({ body: webhookBody('call.initiated') })).status === 200,
        'taken again',
      );
      if (front.triesAgain) expect(headers['retry-after']).toBe('1');
    });
  });
}

interface Sent {
  method?: string | undefined;
  path?: string | undefined;
  body?: string;
  /** The bytes to sign; default: the body. */
  signed?: string;
  /** Number of chunks to send, without a Content-Length. */
  chunks?: number;
  headers?: Record<string, string>;
}

interface Stage {
  replicas: ServedApp[];
  send(sent: Sent): Promise<{ status: number; headers: IncomingMessage['headers'] }>;
}

/**
 * Sends this many webhooks, ten at a time: on a busy machine Referee itself would answer a larger
 * burst with 503.
 */
async function volley(send: Stage['send'], count: number): Promise<number[]> {
  const statuses: number[] = [];
  while (statuses.length < count) {
    const ten = Array.from({ length: 10 }, () => send({ body: webhookBody('call.initiated') }));
    statuses.push(...(await Promise.all(ten)).map(({ status }) => status));
  }
  return statuses;
}

/**
 * Waits until 20 webhooks in a row are accepted, so the health checks have noticed. `meanwhile`:
 * other statuses allowed until then.
 */
async function settled(send: Stage['send'], meanwhile: number[]): Promise<void> {
  let inARow = 0;
  await eventually(async () => {
    const { status } = await send({ body: webhookBody('call.initiated') });
    expect([200, ...meanwhile]).toContain(status);
    inARow = status === 200 ? inARow + 1 : 0;
    return inARow === 20;
  }, '20 webhooks taken in a row');
}

/**
 * The proxy with this many replicas behind it, all of one Telnyx account, and this many dead
 * upstreams.
 */
async function stage(front: Front, living: number, dead = 0): Promise<Stage> {
  const key = telnyxKey();
  const replicas: ServedApp[] = [];
  for (let i = 0; i < living; i += 1) {
    // The store is not tested here, and a slow disk must not matter.
    const receive = async () => ({ result: 'duplicate' }) as const;
    const storeWatch = { failure: () => null, failureForAnybody: () => null, stop: () => {} };
    replicas.push(await serveApp({ key, receive, deps: { storeWatch } }));
  }
  onTestFinished(async () => {
    for (const replica of replicas) await replica.close();
  });
  const upstreams = replicas.map(({ port }) => port);
  for (let i = 0; i < dead; i += 1) upstreams.unshift(await freePort());

  const port = await freePort();
  await startFront(front, port, upstreams);
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: false, servername: HOST });
  onTestFinished(() => agent.destroy());
  const send: Stage['send'] = (sent) => ask(agent, port, key, sent);
  await eventually(async () => {
    try {
      return (await send({ method: 'GET', path: '/health/ready' })).status === 200;
    } catch {
      return false;
    }
  }, 'the proxy answers');
  return { replicas, send };
}

async function startFront(front: Front, port: number, upstreams: number[]): Promise<ChildProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'referee-front-'));
  const { check, run } = await front.prepare(folder, port, upstreams);
  const env = { PATH: process.env.PATH, HOME: folder, XDG_CONFIG_HOME: folder };
  const [checker = '', ...arguments_] = check;
  const checked = spawnSync(checker, arguments_, { env, encoding: 'utf8' });
  expect(checked.status, checked.stderr).toBe(0);
  // Caddy warns about something that its file wants: no redirects to HTTPS.
  const lines = checked.stderr
    .split('\n')
    .filter((line) => !line.includes('redirects are disabled'));
  expect(lines.join('\n')).not.toMatch(/\[warn\]|"level":"(?:warn|error)"/);
  const [program = '', ...rest] = run;
  const proxy = spawn(program, rest, { env, stdio: 'ignore' });
  onTestFinished(async () => {
    const exited = once(proxy, 'exit');
    proxy.kill();
    await exited;
    await rm(folder, { recursive: true, force: true });
  });
  return proxy;
}

async function ask(agent: Agent, port: number, key: TelnyxKey, sent: Sent) {
  const { method = 'POST', path = WEBHOOK, body, signed, chunks, headers } = sent;
  const bytes = Buffer.from(body ?? '');
  const signature = body === undefined ? {} : signedHeaders(key, signed ?? body);
  const length = chunks === undefined ? { 'content-length': String(bytes.length) } : {};
  const asked = request({
    agent,
    port,
    host: '127.0.0.1',
    method,
    path,
    headers: { host: HOST, ...signature, ...length, ...headers },
  });
  const size = Math.ceil(bytes.length / (chunks ?? 1));
  for (let at = 0; at < bytes.length; at += size) asked.write(bytes.subarray(at, at + size));
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return { status: response.statusCode ?? 0, headers: response.headers };
}
