/** The commands of docs/in-front.md, run by bash against a stand-in for Telnyx's numbers API. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const PAGE = join(import.meta.dirname, '../../docs/in-front.md');
const TEXT = readFileSync(PAGE, 'utf8');
const missing = ['bash', 'curl', 'jq'].filter(
  (each) => spawnSync(each, ['--version']).error !== undefined,
);
if (missing.length > 0) {
  console.warn(`${missing.join(', ')} is not here: install it to have docs/in-front.md tried.`);
}

test.skipIf(missing.length > 0)(
  'a list is kept, one number and many are assigned, and all go back to where they were (skipped without curl and jq)',
  async () => {
    const { api, numbers, requests } = await startNumbersApi();
    const folder = await mkdtemp(join(tmpdir(), 'referee-numbers-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const before = new Map(numbers);
    const moved = ['+14155550100', '+14155550102', '+14155550103', '+14155550105'];
    await writeFile(join(folder, 'numbers.txt'), `${moved.join('\n')}\n`);
    const keep = command('keep').replace('https://api.telnyx.com/v2', api);
    const setUp = keep.split('\n').slice(0, 2).join('\n');
    const environment = { NUMBER_ID: 'id-+14155550104', APPLICATION_ID: 'app' };
    const run = (...script: string[]) => bash(script.join('\n'), folder, environment);

    expect(await run(keep)).toBe('');
    expect(await readFile(join(folder, 'numbers-before.tsv'), 'utf8')).toBe(
      [...before].map(([number, id]) => `${number}\tid-${number}\t${id ?? 'none'}\n`).join(''),
    );
    expect(await run(setUp, command('one'))).toBe('+14155550104 app\n');
    expect(await run(setUp, command('many'), command('look'))).toBe(
      '{"status":"completed","done":4,"failed":[]}\n',
    );
    for (const number of moved) expect(numbers.get(number)).toBe('app');
    expect(numbers.get('+14155550101')).toBe(before.get('+14155550101'));

    const assign = command('many').replace(/^job=.*$/m, '');
    expect(await run(setUp, assign, command('back'))).toBe('job-2\njob-3\n');
    for (const number of moved) {
      expect(numbers.get(number), number).toBe(before.get(number) ?? 'app');
    }
    expect(requests.every(({ token }) => token === 'Bearer KEY')).toBe(true);
    expect(requests.filter(({ query }) => query.includes('filter'))).toEqual([]);
  },
);

test('every link of the page leads to a file', () => {
  const links = [...TEXT.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map(([, path = '']) => path);
  expect(links.length).toBeGreaterThan(4);
  for (const path of links) expect(existsSync(join(dirname(PAGE), path)), path).toBe(true);
});

function command(name: string): string {
  const block = new RegExp(`<!-- tested: ${name} -->\\n\`\`\`sh\\n([\\s\\S]*?)\`\`\``).exec(TEXT);
  if (block?.[1] === undefined) throw new Error(`no command "${name}" in docs/in-front.md`);
  return block[1];
}

async function bash(script: string, cwd: string, env: Record<string, string>): Promise<string> {
  const child = spawn('bash', ['--norc', '-euo', 'pipefail', '-c', script], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, TELNYX_API_KEY: 'KEY', ...env },
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const [code] = await once(child, 'close');
  expect(output.stderr).toBe('');
  expect(code).toBe(0);
  return output.stdout;
}

/**
 * Five numbers per page; a job is finished at once. It only accepts what the published OpenAPI
 * document allows.
 */
async function startNumbersApi() {
  const numbers = new Map<string, string | null>(
    Array.from({ length: 12 }, (_, i) => [
      `+141555501${String(i).padStart(2, '0')}`,
      i === 5 ? null : i % 2 === 0 ? '1684641123236054244' : '1684641123236054255',
    ]),
  );
  const requests: { query: string; token: string | undefined }[] = [];
  const jobs = new Map<string, string[]>();
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request.setEncoding('utf8')) body += piece;
    const url = new URL(request.url ?? '', 'http://api');
    requests.push({ query: url.search, token: request.headers.authorization });
    const data = answer(request.method ?? '', url, body);
    response.writeHead(data === null ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(data));
  });
  const shown = (number: string) => ({
    id: `id-${number}`,
    phone_number: number,
    connection_id: numbers.get(number) ?? null,
  });

  function answer(method: string, { pathname, searchParams }: URL, body: string): unknown {
    if (method === 'GET' && pathname === '/v2/phone_numbers') {
      const page = Number(searchParams.get('page[number]'));
      const all = [...numbers.keys()];
      const data = all.slice((page - 1) * 5, page * 5).map(shown);
      return { data, meta: { page_number: page, total_pages: Math.ceil(all.length / 5) } };
    }
    const [, kind, id = ''] = /^\/v2\/phone_numbers\/(jobs\/)?([^/]+)$/.exec(pathname) ?? [];
    if (method === 'GET' && kind !== undefined) {
      const done = jobs.get(id)?.map((number) => ({ phone_number: number }));
      const data = { id, status: 'completed', successful_operations: done, failed_operations: [] };
      return done === undefined ? null : { data };
    }
    if (method === 'PATCH' && kind === undefined) {
      const number = decodeURIComponent(id).replace(/^id-/, '');
      if (!numbers.has(number)) return null;
      numbers.set(number, JSON.parse(body).connection_id);
      return { data: shown(number) };
    }
    if (method === 'POST' && pathname === '/v2/phone_numbers/jobs/update_phone_numbers') {
      const asked = JSON.parse(body) as { connection_id: string; phone_numbers: string[] };
      for (const number of asked.phone_numbers) {
        if (!numbers.has(number)) return null;
        numbers.set(number, asked.connection_id);
      }
      const job = `job-${jobs.size + 1}`;
      jobs.set(job, asked.phone_numbers);
      return { data: { id: job, status: 'pending', type: 'update_phone_numbers' } };
    }
    return null;
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2`;
  return { api, numbers, requests };
}
