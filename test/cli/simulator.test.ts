import { PassThrough } from 'node:stream';
import { Command } from 'commander';
import { expect, type TestContext, test, vi } from 'vitest';
import type { CallWatch } from '../../src/cli/simulator/call-watch.ts';
import { parseFarEnds, parseLine } from '../../src/cli/simulator/line.ts';
import type { Sayer } from '../../src/cli/simulator/say.ts';
import { readCalls } from '../../src/cli/simulator/typed.ts';
import { simulatorCommand } from '../../src/cli/simulator.ts';
import { confirm } from '../../src/cli/terminal/confirm.ts';
import { startReceiver } from '../simulator/receiver.ts';

type WhenOver = TestContext['onTestFinished'];

async function run(whenOver: WhenOver, ...args: string[]) {
  return runAgainst(whenOver, 200, ...args);
}

const NOWHERE = 'http://127.0.0.1:1/webhooks/telnyx';

/** The status that answers webhooks; null: no answer at all; or another address to send them to. */
async function runAgainst(whenOver: WhenOver, server: number | null | string, ...args: string[]) {
  const stdin = new PassThrough();
  const out: string[] = [];
  const err: string[] = [];
  let publicKey = '';
  const receiver = await startReceiver(
    () => publicKey,
    () => (typeof server === 'string' ? null : server),
  );
  whenOver(() => receiver.stop());
  const program = new Command().exitOverride().configureOutput({ writeErr: (t) => err.push(t) });
  const io = {
    stdout: {
      write: (text: string) => {
        publicKey =
          /"public_key":"([^"]+)"|TELNYX_PUBLIC_KEY=(\S+)/.exec(text)?.slice(1).find(Boolean) ??
          publicKey;
        out.push(text);
      },
    },
    stderr: { write: (text: string) => err.push(text) },
    stdin,
    env: {},
    isTTY: false,
  };
  simulatorCommand(program, io);
  const done = program.parseAsync(
    [
      'simulator',
      '--port',
      '0',
      '--webhook-url',
      typeof server === 'string' ? server : receiver.url,
      '--time-scale',
      '0.1',
      ...args,
    ],
    { from: 'user' },
  );
  return { stdin, out, err, receiver, done, text: () => out.join('') };
}

test.concurrent('prints what the server needs in its .env, and obeys lines', async ({
  expect,
  onTestFinished,
}) => {
  const { stdin, receiver, done, text, err } = await run(onTestFinished);
  await expect.poll(text).toMatch(/^TELNYX_API_URL=http:\/\/127\.0\.0\.1:\d+\/v2$/m);
  expect(text()).toMatch(/^TELNYX_PUBLIC_KEY=[A-Za-z0-9+/]{43}=$/m);
  stdin.write('call +14155550123 +14155550100 busy,completed\n');
  const initiated = await receiver.next('call.initiated');
  expect(initiated.verified).toBe(true);
  expect(initiated.payload).toMatchObject({ from: '+14155550123', to: '+14155550100' });
  stdin.write('hangup 1\nbooks\nscript nothing-such\ncall a b nonsense\nwhat\n');
  await receiver.next('call.hangup');
  await expect.poll(() => err.join('')).toMatch(/nothing-such[\s\S]*nonsense/);
  stdin.write('quit\n');
  await done;
  expect(text()).toMatch(/#1\s+== the caller hung up/);
});

test.concurrent('with --call places one call, tells its course as JSON lines, and ends with it', async ({
  expect,
  onTestFinished,
}) => {
  const { receiver, done, out } = await run(
    onTestFinished,
    '--call',
    '+14155550123',
    '--to',
    '+14155550100',
    '--json',
  );
  const initiated = await receiver.next('call.initiated');
  const { api_url, api_key } = JSON.parse(out[0] ?? '');
  const actions = `${api_url}/calls/${initiated.payload.call_control_id}/actions`;
  const refer = {
    sip_address: 'sip:desk@pbx.example.com',
    sip_auth_username: 'desk',
    sip_auth_password: 'hunter2',
  };
  for (const [action, body] of [
    ['refer', refer],
    ['reject', { cause: 'USER_BUSY' }],
  ] as const) {
    await fetch(`${actions}/${action}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${api_key}` },
      body: JSON.stringify(body),
    });
  }
  await done;
  const events = out.map((line) => JSON.parse(line));
  const { body } = events.find(({ event, action }) => event === 'request' && action === 'refer');
  expect(body).toEqual({
    ...refer,
    sip_auth_username: '[redacted]',
    sip_auth_password: '[redacted]',
  });
  expect(events.map(({ event }) => event)).toEqual(
    expect.arrayContaining(['started', 'webhook', 'request', 'ended']),
  );
  expect(events.find(({ event }) => event === 'ended')).toMatchObject({
    fate: 'released',
    rejected_as: 'USER_BUSY',
  });
});

const CALL = ['--call', '+14155550123', '--to', '+14155550100', '--wait', '0.6'];

test('a call under way is not given up while its target is silent', async ({ onTestFinished }) => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const { receiver, done, out } = await run(onTestFinished, ...CALL, '--json');
  const initiated = await receiver.next('call.initiated');
  const { api_url, api_key } = JSON.parse(out[0] ?? '');
  const command = (action: string, body: object) =>
    fetch(`${api_url}/calls/${initiated.payload.call_control_id}/actions/${action}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${api_key}` },
      body: JSON.stringify(body),
    });
  await command('answer', {});
  // Longer than the limit for the first command, shorter than ten times that.
  vi.advanceTimersByTime(1_500);
  await command('hangup', {});
  vi.useRealTimers();
  await done;
  expect(JSON.parse(out.at(-1) ?? '')).toBeDefined();
});

test.concurrent.for([
  ['answered 200 and left alone', 200, /answered 200, but no command arrived within 1 s/],
  [
    'refused',
    401,
    /call\.initiated was not accepted within 1 s: it was answered 401 \(http.*\btr(y|ies)\)/,
  ],
  ['not answered', null, /call\.initiated was not accepted within 1 s: no answer yet/],
] as const)(
  'a call whose webhooks are %s is given up, with a message and exit code 1',
  async ([, status, words], { expect, onTestFinished }) => {
    const { done, err } = await runAgainst(onTestFinished, status, ...CALL);
    await expect(done).rejects.toMatchObject({ exitCode: 1 });
    expect(err.join('')).toMatch(words);
    expect(err.join('')).toMatch(/referee simulator: no command arrived for a call/);
  },
);

test.concurrent.for([
  [
    'the call comes from --script',
    ['--script', 'busy,completed', '--json'],
    '',
    /#1 .*ECONNREFUSED.*Is the server running/,
  ],
  [
    'from a typed line',
    [],
    'call +14155550123 +14155550100\nscript no-answer\n',
    /#1 .*ECONNREFUSED/,
  ],
] as const)(
  'a server that is not there is said, whether %s',
  async ([, args, typed, words], { expect, onTestFinished }) => {
    const ran = await runAgainst(onTestFinished, NOWHERE, '--wait', '0.6', ...args);
    ran.stdin.end(typed);
    await expect(ran.done).rejects.toMatchObject({ exitCode: 1 });
    expect(ran.err.join('')).toMatch(words);
  },
);

test('refuses a script and faults it does not know, in words', async ({ onTestFinished }) => {
  const script = await run(onTestFinished, '--call', '+14155550123', '--script', 'bussy');
  await expect(script.done).rejects.toMatchObject({ exitCode: 1 });
  expect(script.err.join('')).toMatch(/"bussy" is neither a script nor a result/);
  const faults = await run(onTestFinished, '--faults', 'webhook_eaten=0.1');
  await expect(faults.done).rejects.toThrow();
  expect(faults.err.join('')).toMatch(/webhook_eaten/);
});

test('lines and results are understood, or answered with help', () => {
  expect(parseLine('  call +1 +2 busy ')).toEqual({
    do: 'call',
    from: '+1',
    to: '+2',
    script: 'busy',
  });
  expect(parseLine('call +1')).toMatchObject({ do: 'help' });
  expect(parseLine('call +1')).toMatchObject({
    text: expect.stringMatching(/^call needs two numbers\n/),
  });
  const asked = parseLine('help');
  expect(asked).toMatchObject({ do: 'help', text: expect.stringMatching(/^call <from> <to>/) });
  // A call that is played otherwise than asked would be a wrong rehearsal.
  expect(parseLine('call +1 +2 busy, completed')).toMatchObject({
    do: 'help',
    text: expect.stringMatching(
      /^"completed" is not understood: results have commas and no spaces\n/,
    ),
  });
  for (const typed of ['call +1 +2 busy digits=9,2', 'call digits=9,2 +1 +2 busy']) {
    expect(parseLine(typed)).toMatchObject({ from: '+1', script: 'busy', digits: ['9', '2'] });
  }
  expect(parseLine('call +1 +2 digits=*')).toMatchObject({ script: null, digits: ['*'] });
  for (const typed of [
    'call +1 +2 digits=',
    'call +1 +2 digits=a',
    'call +1 +2 digits=1 digits=2',
  ]) {
    expect(parseLine(typed)).toMatchObject({
      do: 'help',
      text: expect.stringMatching(/^digits are the keys 0 to 9, \* and #/),
    });
  }
  expect(parseLine('lsit')).toMatchObject({
    do: 'help',
    text: expect.stringMatching(/^"lsit" is not understood\n/),
  });
  expect(parseLine('hangup #3')).toEqual({ do: 'hangup', number: 3 });
  expect(parseLine('')).toEqual({ do: 'nothing' });
  expect(parseFarEnds('busy,404')).toEqual({ refers: ['busy', 404], transfers: ['busy', 404] });
  expect(parseFarEnds('constructor')).toMatch(/neither/);
  expect(parseFarEnds('100')).toMatch(/neither/);
});

test('a signal during the start is not lost', async () => {
  const stopped = AbortSignal.abort();
  const io = { stdout: { write: () => {} }, stderr: { write: () => {} }, env: {}, isTTY: true };
  const stdin = new PassThrough();
  const none = {} as Parameters<typeof readCalls>[0];
  const rest = [none, none] as unknown as [Sayer, CallWatch];
  expect(await readCalls(none, { ...io, stdin }, ...rest, stopped)).toBe(true);
  expect(await confirm('Go on?', { signal: stopped }, { ...io, stdin })).toBe('no');
});
