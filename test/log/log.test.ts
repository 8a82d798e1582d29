import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LOG_EVENTS } from '../../src/log/events.ts';
import { createCleaner } from '../../src/log/fields.ts';
import { createLog, type LogFields, type LogOptions } from '../../src/log/log.ts';
import { createMasker } from '../../src/log/mask.ts';

const KEY = 'KEY0123456789_secret';
const NUMBER = '+14155550100';

describe('a log line', () => {
  it('is one JSON object with the level, the time, the event and its sentence', () => {
    const { lines, log } = logTo();
    log.emit('server.started', { port: 3000 });
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      event: 'server.started',
      msg: LOG_EVENTS['server.started'].meaning,
      port: 3000,
    });
    expect(Date.parse(JSON.parse(lines[0] ?? '').time)).toBeGreaterThan(0);
  });

  it('is left out below the level', () => {
    const { lines, log } = logTo({ level: 'warn' });
    log.emit('server.started');
    log.emit('webhook.refused', { reason: 'signature_wrong' });
    expect(lines).toHaveLength(1);
  });

  it('masks numbers by default, alike in every field, and shows them in full when asked to', () => {
    const masked = createMasker(KEY).address(NUMBER);
    const fields = {
      from: NUMBER,
      sip_address: `sip:${NUMBER}@pbx.example.com`,
      detail: `The 'to' number ${NUMBER} is not valid`,
      err: new Error(`cannot dial ${NUMBER}`),
      commands: [{ to: NUMBER }],
    };
    const line = emitted(fields);
    expect(line).toMatchObject({
      from: masked,
      sip_address: `sip:${masked}@pbx.example.com`,
      detail: `The 'to' number ${masked} is not valid`,
      err: { message: `cannot dial ${masked}` },
      commands: [{ to: masked }],
    });
    expect(JSON.stringify(line)).not.toContain('5550100');
    expect(emitted(fields, { numbers: 'full' })).toMatchObject({ from: NUMBER });
  });

  it('leaves ids and numbers that are no phone numbers alone', () => {
    const fields = {
      call_control_id: 'v3:1234567890',
      call_session_id: '12345678-1234-1234-1234-123456789012',
      connection_id: '1494404757140276705',
      command_id: '1234567890',
      attempt: '1234567890',
      route_set: '12345678901234567890',
      due_at: '1779233415500',
      duration_ms: 1_779_233_415,
    };
    expect(emitted(fields)).toMatchObject(fields);
  });

  it('never shows a secret: by name, by value, in URLs and in headers', () => {
    const line = emitted(
      {
        authorization: 'Bearer abc',
        sip_auth_username: 'pbx-user',
        sip_auth_password: 'hunter22',
        auth: { username: 'pbx-user', password: 'hunter22' },
        headers: { Authorization: 'Bearer abc', Cookie: 'abc' },
        admin_token: 'abc',
        detail: `POST failed with ${KEY}, then with another-secret-value`,
        text: 'sent "sip_auth_password":"hunter22" and Authorization: Bearer hunter22',
        err: new Error('connect postgres://referee:hunter22@db/referee failed', {
          cause: new Error('sip:alice:hunter22@pbx.example.com'),
        }),
      },
      { secrets: ['another-secret-value'] },
    );
    expect(JSON.stringify(line)).not.toMatch(/hunter22|abc|pbx-user|secret/);
    expect(JSON.stringify(line)).toContain('postgres://referee:[redacted]@db/referee');
  });

  it('takes no placeholder of a route file for a password', () => {
    const detail =
      'refer "sip:{row:ext}@{row:site}.example" and sip:{header:X-A}:hunter22@b.example';
    expect(emitted({ detail }).detail).toBe(
      'refer "sip:{row:ext}@{row:site}.example" and sip:{header:X-A}:[redacted]@b.example',
    );
  });

  it('shows no half of a secret where a long text is cut', () => {
    const secrets = [KEY, 'postgres://referee:hunter22hunter22@db'];
    for (const secret of secrets) {
      for (let kept = 1; kept < secret.length; kept += 1) {
        const before = `${`${KEY} `.repeat(60)}${'x'.repeat(4000)}`.slice(0, 4000 - kept);
        const detail = String(emitted({ detail: `${before}${secret}${'y'.repeat(5000)}` }).detail);
        expect(detail).not.toMatch(/hunter|KEY/);
        expect(detail.length).toBeLessThan(4010);
      }
    }
  });

  it('shows digits at debug only', () => {
    const clean = createCleaner({ masker: null, secrets: [] });
    const fields = { digits: '1234', detail: { digit: '5', kept: 1 } };
    expect(clean(fields, 'info')).toEqual({ detail: { kept: 1 } });
    expect(clean(fields, 'debug')).toEqual(fields);
  });

  it('moves no cursor, whatever a caller sends', () => {
    const { lines, log } = logTo();
    const hostile = 'a\u001b[2J\u009bK\r\nb\u202e\u2028\u0000\ud800';
    log.emit('server.started', { rule: hostile, [hostile]: 1, err: new Error(hostile) });
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toMatch(/[\p{Cc}\u2028\u202e](?!$)/u);
    const line = JSON.parse(lines[0] ?? '');
    expect(line.rule).toBe('a\\x1b[2J\\x9bK\\x0d\\x0ab\\u202e\\u2028\\x00\\ud800');
    expect(line.err.message).toBe(line.rule);
  });

  it('tells errors with type, code, frames and cause', () => {
    const error = Object.assign(new TypeError('no'), { code: 'X', cause: new Error('why') });
    expect(emitted({ err: error })).toMatchObject({
      err: {
        type: 'TypeError',
        message: 'no',
        code: 'X',
        stack: expect.stringMatching(/^ +at /),
        cause: { message: 'why' },
      },
    });
  });

  it('keeps its own names to itself', () => {
    const line = emitted({ level: 'x', event: 'y', msg: 'z', time: 't' });
    expect(line).toMatchObject({
      level: 'info',
      event: 'server.started',
      field_event: 'y',
      field_msg: 'z',
    });
  });

  it('survives every value: circles, getters of nothing, bytes, depth', () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    emitted({ circle, big: 10n, bytes: Buffer.from('x'), no: () => 1, date: new Date(Number.NaN) });
    fc.assert(
      fc.property(
        fc.object({ withBigInt: true, withDate: true, withTypedArray: true }),
        (object) => {
          emitted({ object });
        },
      ),
    );
  });

  it('is short, whatever is put in', () => {
    const { lines, log } = logTo();
    log.emit('server.started', { detail: 'x'.repeat(1_000_000) });
    expect(lines[0]?.length).toBeLessThan(5000);
  });
});

describe('standard output', () => {
  const program = `
    import { createLog } from ${JSON.stringify(join(import.meta.dirname, '../../src/log/log.ts'))};
    createLog({ level: 'info', numbers: 'masked', key: 'KEY0123' }).emit('server.started', { port: 1 });
    process.kill(process.pid, 'SIGKILL');
  `;

  it('has the line before the process can die, as JSON where it is no terminal', () => {
    let output = '';
    try {
      execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
    } catch (error) {
      if (error instanceof Error && 'stdout' in error) output = String(error.stdout);
    }
    expect(JSON.parse(output)).toMatchObject({ event: 'server.started', port: 1 });
  });

  const busy = `
    import { createLog } from ${JSON.stringify(join(import.meta.dirname, '../../src/log/log.ts'))};
    const log = createLog({ level: 'info', numbers: 'masked', key: 'KEY0123' });
    for (let n = 0; n < 20_000; n += 1) log.emit('server.started', { n, detail: 'x'.repeat(100) });
    console.error('goes on');
    process.stdin.resume().on('end', () => process.exit(0));
  `;

  it('with a full disk behind it stops nothing', async () => {
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, ['--input-type=module', '-e', busy], {
      stdio: ['pipe', full, 'pipe'],
    });
    await once(child.stderr ?? child, 'data');
    child.stdin?.end();
    expect(await once(child, 'exit')).toEqual([0, null]);
    closeSync(full);
  });

  /**
   * Runs the program behind a pipe made by the shell, like in a container; Node would use a socket.
   * The pipe is read from `open` on.
   */
  async function behindAPipe(program: string) {
    const folder = await mkdtemp(join(tmpdir(), 'referee-log-'));
    const gate = join(folder, 'gate');
    execFileSync('mkfifo', [gate]);
    const piped = '"$NODE" --input-type=module -e "$PROGRAM" | { head -c 0 "$GATE"; cat; }';
    const child = spawn('sh', ['-c', piped], {
      env: { ...process.env, NODE: process.execPath, PROGRAM: program, GATE: gate },
    });
    const ended = once(child, 'exit').then(() => rm(folder, { recursive: true }));
    return { child, ended, open: () => writeFile(gate, '') };
  }

  it('that nobody reads for a while stops nothing, loses little, and says what is lost', async () => {
    const { child, ended, open } = await behindAPipe(busy);
    await once(child.stderr, 'data');
    await open();
    const lines: { n?: number; event: string; count?: number }[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(JSON.parse(line));
      if (lines.at(-1)?.event === 'log.dropped') break;
    }
    child.stdin.end();
    await ended;
    const kept = lines.slice(0, -1);
    expect(kept.map(({ n }) => n)).toEqual(kept.map((_, n) => n));
    expect(kept.length).toBeGreaterThan(3_000);
    expect(lines.at(-1)?.count).toBe(20_000 - kept.length);
  });

  it('has the last words of a process whose reader is a little behind', async () => {
    const { child, ended, open } = await behindAPipe(
      busy.replace('20_000', '3_000').replace(/process\.stdin.*/, 'process.exit(0);'),
    );
    await once(child.stderr, 'data');
    await open();
    const lines: { n: number }[] = [];
    for await (const line of createInterface({ input: child.stdout })) lines.push(JSON.parse(line));
    await ended;
    expect(lines.map(({ n }) => n)).toEqual(Array.from({ length: 3_000 }, (_, n) => n));
  });
});

function logTo(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return {
    lines,
    log: createLog({ level: 'info', numbers: 'masked', key: KEY, destination, ...options }),
  };
}

function emitted(fields: LogFields, options: Partial<LogOptions> = {}): Record<string, unknown> {
  const { lines, log } = logTo(options);
  log.emit('server.started', fields);
  return JSON.parse(lines[0] ?? '');
}
