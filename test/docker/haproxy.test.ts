/**
 * The proxy's configuration: checked by haproxy itself, and tested with two replicas of which one
 * stops.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../helpers/free-port.ts';
import { eventually } from '../helpers/referee-process.ts';

const CONFIG = join(import.meta.dirname, '../../docker/haproxy/haproxy.cfg');
const isHere = spawnSync('haproxy', ['-v']).status === 0;
if (!isHere) console.warn('haproxy is not here: install it to have its configuration tried.');

describe.skipIf(!isHere)('haproxy (skipped where it is not installed)', () => {
  test('the configuration is one', () => {
    const { status, stderr } = spawnSync('haproxy', ['-c', '-f', CONFIG], { encoding: 'utf8' });
    expect(stderr).not.toMatch(/WARNING|ALERT/);
    expect(status).toBe(0);
  });

  test('a webhook that meets a stopping replica is taken by the next, and nothing else gets through', async () => {
    const stopping = await replica();
    const ready = await replica();
    const port = await freePort();
    await startProxy(port, [stopping.port, ready.port]);
    const url = `http://127.0.0.1:${port}`;
    const post = () => fetch(`${url}/webhooks/telnyx`, { method: 'POST', body: '{"a":1}' });
    await eventually(
      async () => stopping.checks > 0 && ready.checks > 0 && (await post()).status === 200,
      'both are checked',
    );
    stopping.webhooks = 503;
    const answers = await Promise.all(Array.from({ length: 20 }, post));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(stopping.asked).toBeGreaterThan(0);
    for (const path of ['/', '/metrics', '/v1/calls', '/health/ready', '/webhooks/telnyx/x']) {
      expect((await fetch(`${url}${path}`)).status, path).toBe(404);
    }
  });

  test('a webhook for a frozen replica is taken by the next', async () => {
    const frozen = await replica();
    const ready = await replica();
    const port = await freePort();
    await startProxy(port, [frozen.port, ready.port]);
    const post = async () => {
      const url = `http://127.0.0.1:${port}/webhooks/telnyx`;
      return (await fetch(url, { method: 'POST', body: '{"a":1}' })).status;
    };
    await eventually(
      async () => frozen.checks > 0 && ready.checks > 0 && (await post()) === 200,
      'both are checked',
    );
    frozen.frozen = true;
    expect(await Promise.all([post(), post(), post(), post()])).toEqual([200, 200, 200, 200]);
    expect(frozen.asked).toBeGreaterThan(0);
  });

  test('the page can be reached while no replica is ready, because it says why', async () => {
    const unready = await replica();
    unready.ready = 503;
    const [port, adminPort] = [await freePort(), await freePort()];
    await startProxy(port, [unready.port], adminPort);
    const statusOf = (to: number, path: string) =>
      fetch(`http://127.0.0.1:${to}${path}`, { method: 'POST' }).then(
        ({ status }) => status,
        () => 0,
      );
    await eventually(async () => (await statusOf(port, '/webhooks/telnyx')) === 503, 'no replica');
    await eventually(() => unready.livenessChecks > 3, 'the page is checked by itself');
    expect(await statusOf(adminPort, '/v1/problems')).toBe(200);
  });
});

interface Replica {
  port: number;
  /** It accepts connections and answers nothing. */
  frozen: boolean;
  ready: number;
  webhooks: number;
  asked: number;
  checks: number;
  livenessChecks: number;
}

async function replica(): Promise<Replica> {
  const server: Server = createServer((request, response) => {
    request.resume();
    if (request.url === '/health/ready') state.checks += 1;
    else if (request.url === '/health/live') state.livenessChecks += 1;
    else state.asked += 1;
    if (state.frozen) return;
    response.writeHead(request.url === '/health/ready' ? state.ready : state.webhooks).end('{}');
  });
  const state: Replica = {
    port: 0,
    frozen: false,
    ready: 200,
    webhooks: 200,
    asked: 0,
    checks: 0,
    livenessChecks: 0,
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  state.port = (server.address() as AddressInfo).port;
  return state;
}

/** The shipped configuration, with other addresses for the replicas and for listening. */
async function startProxy(port: number, replicas: number[], adminPort = 0): Promise<ChildProcess> {
  const config = (await readFile(CONFIG, 'utf8'))
    .replace('bind :8080', `bind 127.0.0.1:${port}`)
    .replace('bind :8081', `bind 127.0.0.1:${adminPort || (await freePort())}`)
    .replaceAll(/^ {2}server-template .*$/gm, (line) =>
      replicas
        .map(
          (each) =>
            `  server replica${each} 127.0.0.1:${each} check inter 1s ${line.match(/fall.*rise \d/)}`,
        )
        .join('\n'),
    );
  const folder = await mkdtemp(join(tmpdir(), 'referee-haproxy-'));
  await writeFile(join(folder, 'haproxy.cfg'), config);
  const proxy = spawn('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], { stdio: 'ignore' });
  onTestFinished(async () => {
    const exited = once(proxy, 'exit');
    proxy.kill();
    await exited;
    await rm(folder, { recursive: true });
  });
  return proxy;
}
