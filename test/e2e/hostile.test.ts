/**
 * Whatever outsiders send, the process survives, never answers 500, and keeps accepting genuine
 * calls.
 */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { EVENT_TYPES } from '../helpers/event-types.ts';
import { ADMIN_TOKEN, eventually, type Referee } from '../helpers/referee-process.ts';
import type { TelnyxStandIn } from '../helpers/telnyx-stand-in.ts';
import { openScene } from './scene.ts';

let telnyx: TelnyxStandIn;
let referee: Referee;
let pid: number;

beforeAll(async () => {
  ({ telnyx, referee } = await openScene({ LOG_LEVEL: 'info' }));
  pid = referee.pid;
});

const hasProc = process.platform === 'linux';
const residentMb = () =>
  hasProc ? Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) / 256 : 0;

/** It is still the same process, and it handles a whole call. */
async function isWell(): Promise<void> {
  expect(referee.pid).toBe(pid);
  const call = telnyx.call();
  await call.untilReferred();
  await call.completes();
  await call.hangsUp();
  expect(await referee.ended(call.id)).toMatchObject({ ends: 'referred' });
  for (const event of ['http.failed', 'event.dead_letter', 'server.failed']) {
    expect(referee.output).not.toContain(`"event":"${event}"`);
  }
}

const DEEP = '['.repeat(60_000) + ']'.repeat(60_000);
/** JSON texts to use in place of harmless values of Telnyx's. */
const SHAPES: readonly string[] = [
  'null',
  'true',
  '-0',
  '1e999',
  '-1e-999',
  '123456789012345678901234567890',
  '""',
  '" "',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udfff\\ud800"',
  '"\\u202e\\u001b[31m"',
  '"__proto__"',
  '"constructor"',
  '"v3:\'; drop table calls; --"',
  `"${'x'.repeat(100_000)}"`,
  '[]',
  '[[[]]]',
  '{}',
  '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
  '{"toString":null,"valueOf":null,"then":1,"length":-1}',
  DEEP,
];
const FIELDS = [
  'call_control_id',
  'call_session_id',
  'client_state',
  'connection_id',
  'custom_headers',
  'digit',
  'digits',
  'direction',
  'from',
  'hangup_cause',
  'sip_headers',
  'sip_notify_response',
  'status',
  'tags',
  'to',
] as const;

let bodies = 0;

function body(type: string, fields: Record<string, string>): string {
  bodies += 1;
  const payload = {
    call_control_id: `"v3:hostile-${bodies}"`,
    direction: '"incoming"',
    from: '"+353861234567"',
    to: '"+14155559999"',
    ...fields,
  };
  const text = Object.entries(payload).map(([name, value]) => `${JSON.stringify(name)}:${value}`);
  return `{"data":{"event_type":${JSON.stringify(type)},"id":"hostile-${bodies}","payload":{${text.join()}},"record_type":"event"}}`;
}

async function deliverAll(texts: Iterable<string>, allowed: readonly number[]): Promise<void> {
  const waiting = [...texts];
  const strange: string[] = [];
  const worker = async (): Promise<void> => {
    for (let text = waiting.pop(); text !== undefined; text = waiting.pop()) {
      let status = await telnyx.deliver(text);
      // A 503 for too many at once is allowed; Telnyx would repeat the delivery too.
      for (let again = 0; status === 503 && again < 20; again += 1)
        status = await telnyx.deliver(text);
      if (!allowed.includes(status)) strange.push(`${status}: ${text.slice(0, 200)}`);
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  expect(strange).toEqual([]);
}

test('signed payloads of every shape: 200 or 400, no dead letter, no leak', async () => {
  const every = () =>
    EVENT_TYPES.flatMap((type) =>
      FIELDS.map((field) => body(type, { [field]: SHAPES[bodies % SHAPES.length] ?? 'null' })),
    );
  await deliverAll(every(), [200, 400]);
  const before = residentMb();
  for (let round = 0; round < 4; round += 1) await deliverAll(every(), [200, 400]);
  // After three thousand bad requests. A leak of one body in a hundred would show.
  expect(residentMb() - before).toBeLessThan(150);
  await isWell();
});

test('one live call under garbage of its own: it still comes to its end', async () => {
  const call = telnyx.call();
  await call.untilReferred();
  const garbage = SHAPES.filter((shape) => shape !== DEEP).flatMap((shape) =>
    ['sip_notify_response', 'client_state', 'status', 'digits'].map((field) =>
      body('call.refer.started', { call_control_id: JSON.stringify(call.id), [field]: shape }),
    ),
  );
  await deliverAll(garbage, [200, 400]);
  await call.completes();
  await call.hangsUp();
  expect(await referee.ended(call.id)).toMatchObject({ ends: 'referred' });
});

test('signed text that is no event: 400; over 256 KB: 413', async () => {
  const texts = ['', ' ', '{', '[]', '"x"', '1', 'null', '{}', '{"data":1}', '{"data":{}}', DEEP];
  await deliverAll(texts, [400]);
  await fc.assert(
    fc.asyncProperty(fc.json({ maxDepth: 6 }), async (json) => {
      expect([200, 400]).toContain(await telnyx.deliver(`{"data":{"payload":${json}}}`));
    }),
    { numRuns: 60 },
  );
  const large = body('call.initiated', { tags: `["${'x'.repeat(256 * 1024)}"]` });
  expect(await telnyx.deliver(large)).toBe(413);
  const full = body('call.initiated', { tags: `["${'x'.repeat(255 * 1024)}"]` });
  expect(await telnyx.deliver(full)).toBe(200);
  await isWell();
});

test('the API under strange paths, queries and bodies: never 5xx', async () => {
  const statuses = new Set<number>();
  const ask = async (path: string, init: RequestInit = {}): Promise<void> => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' };
    const response = await fetch(`${referee.url}${path}`, { headers, ...init });
    await response.arrayBuffer();
    statuses.add(response.status);
    expect(response.status, `${init.method ?? 'GET'} ${path}`.slice(0, 200)).toBeLessThan(500);
  };
  const odd = ['', ' ', '%00', '%ff', '..%2f..', '%ed%a0%80', 'x'.repeat(3_000), '💥', "'--", '-1'];
  for (const value of odd) {
    const text = value.startsWith('%') ? value : encodeURIComponent(value);
    await ask(`/v1/calls/${text}`);
    for (const name of ['phase', 'limit', 'cursor', 'since', 'from', 'verdict', 'target', 'rule']) {
      await ask(`/v1/calls?${name}=${text}`);
    }
    await ask(`/v1/schedules/${text}/override`, { method: 'POST', body: '{"open":true}' });
    for (const path of ['/v1/routes/explain', `/v1/calls/${text}/refer`]) {
      await ask(path, { method: 'POST', body: JSON.stringify({ from: value, to: value }) });
    }
  }
  for (const shape of SHAPES) {
    for (const path of ['/v1/routes/explain', '/v1/calls/v3:x/refer', '/v1/routes/reload']) {
      await ask(path, { method: 'POST', body: shape });
    }
    await ask('/v1/routes/explain', { method: 'POST', body: `{"from":${shape},"to":${shape}}` });
    await ask('/v1/schedules/office/override', { method: 'POST', body: `{"until":${shape}}` });
  }
  expect([...statuses].sort()).toContain(404);
  await isWell();
});

/** Headers that pass until the body has arrived. */
function wellFormed(): string {
  const signature = Buffer.alloc(64, 1).toString('base64');
  return `telnyx-signature-ed25519: ${signature}\r\ntelnyx-timestamp: ${Math.floor(Date.now() / 1000)}\r\n`;
}

/** Opens connections that write anything; `closed` counts those that the server ended. */
async function crowd(count: number, write: (socket: Socket, nth: number) => void) {
  const { port } = new URL(referee.url);
  const sockets: Socket[] = [];
  let closed = 0;
  let connected = 0;
  for (let nth = 0; nth < count; nth += 1) {
    const socket = connect({ host: '127.0.0.1', port: Number(port) });
    socket.on('error', () => {});
    socket.on('connect', () => {
      connected += 1;
      write(socket, nth);
    });
    socket.on('close', () => {
      closed += 1;
    });
    socket.resume();
    sockets.push(socket);
    // Not more at once than the kernel's queue for new connections holds.
    if (nth % 100 === 99) await eventually(() => connected >= nth - 50, 'connected', 20_000);
  }
  return {
    closed: () => closed,
    end: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

test.concurrent('slow and half-open senders are cut off, and meanwhile genuine webhooks are taken', async () => {
  const head =
    'POST /webhooks/telnyx HTTP/1.1\r\nHost: referee\r\nContent-Type: application/json\r\n';
  const dripping = new Set<NodeJS.Timeout>();
  const slow = await crowd(300, (socket, nth) => {
    if (nth % 3 === 0) socket.write(`${head}${wellFormed()}Content-Length: 500\r\n\r\n{"data":`);
    else if (nth % 3 === 1) socket.write(head.slice(0, 30));
    else {
      let sent = 0;
      const drip = setInterval(() => socket.write(head[sent++ % head.length] ?? 'x'), 200);
      dripping.add(drip);
      socket.on('close', () => clearInterval(drip));
    }
  });
  await isWell();
  // Headers may take 5 s, a request 10 s; Node checks once a second. Some were refused earlier.
  await eventually(
    () => slow.closed() === 300,
    () => `${slow.closed()} of 300 cut off`,
    30_000,
  );
  for (const drip of dripping) clearInterval(drip);
  slow.end();
  await isWell();
});

/** Up to ten thousand, if both processes may have that many open files. */
const IDLE = Math.min(10_000, openFilesMax() - 2_000);

function openFilesMax(): number {
  if (!hasProc) return 4_000;
  const [, soft = '4000'] =
    /Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return Number(soft);
}

test.concurrent('ten thousand idle connections cost little and stand in nobody’s way', async () => {
  const before = residentMb();
  // Half of them send nothing at all; half have sent one request and keep the connection.
  const idle = await crowd(IDLE, (socket, nth) => {
    if (nth % 2 === 0) socket.write('GET /health/live HTTP/1.1\r\nHost: referee\r\n\r\n');
  });
  await isWell();
  expect(residentMb() - before).toBeLessThan(IDLE / 30);
  idle.end();
  await isWell();
});
