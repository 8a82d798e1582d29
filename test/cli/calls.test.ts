/** `referee calls` on a real store that a writer has open at the same time. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCalls } from '../../src/cli/calls.ts';
import { filterOf } from '../../src/cli/sources/documents.ts';
import type { Io } from '../../src/cli/terminal/io.ts';
import { runCli } from '../../src/cli.ts';
import { HOURLY_SUMS } from '../../src/store/contract/calls.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { aCall, anAttempt, anEntry, aUnit } from '../helpers/documents.ts';
import { waitFor } from '../helpers/waiting.ts';
import { inZone } from '../helpers/written.ts';

const T0 = Date.parse('2026-03-02T15:00:00Z');
const ESCAPE = '\u001b[31m\u202e\u0007\u009b31m';

let folder: string;
let path: string;
let store: Store;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'referee-calls-'));
  path = join(folder, 'referee.db');
  store = await openStore({ kind: 'sqlite', path });
  const failed = anAttempt('a-1', {
    verdict: 'not_allowed',
    sipNotifyResponse: 405,
    final: true,
    startedAt: T0,
    endedAt: T0 + 400,
  });
  await store.commit(
    [
      aUnit(
        aCall('v3:first', {
          createdAt: T0,
          endedAt: T0 + 5_000,
          phase: 'ended',
          ends: 'failed',
          rule: 'support',
          decided: true,
          costs: ['call-control', 'sip-trunking'].map((part) => ({
            legId: 'v3:first',
            eventId: 'cost-1',
            part,
            currency: 'USD',
            amount: part === 'call-control' ? '0.0020' : '0.1022',
          })),
          attempts: [failed],
        }),
        0,
        {
          tally: new Map([[HOURLY_SUMS, { waits: 0 }]]),
          events: [
            anEntry('e-1', {
              at: T0,
              notes: ['rule “support”'],
              commands: [{ id: 'c-1', action: 'answer', attempt: null }],
              trace: [{ rule: 'support', matched: true, why: 'to: it is' }],
            }),
            anEntry('e-2', {
              at: T0 + 100,
              type: 'command.accepted',
              source: 'outcome',
              detail: { command: 'c-1', action: 'answer', outcome: 'accepted', status: 200 },
            }),
          ],
        },
      ),
      aUnit(
        aCall('v3:second', {
          createdAt: T0 + 60_000,
          phase: 'referring',
          facts: { from: `+1${ESCAPE}999`, to: '+14155550120' },
        }),
        0,
      ),
    ],
    null,
  );
  await store.fold(10);
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

interface Terminal {
  io: Io;
  out: string;
  err: string;
}

function terminal(isTTY = false, url = `sqlite:${path}`): Terminal {
  const written: Terminal = {
    out: '',
    err: '',
    io: {
      stdout: { write: (text) => (written.out += text) },
      stderr: { write: (text) => (written.err += text) },
      env: { DATABASE_URL: url },
      isTTY,
    },
  };
  return written;
}

async function referee(...argv: string[]): Promise<Terminal & { code: number }> {
  const written = terminal();
  const code = await runCli(argv, written.io);
  return { ...written, out: written.out, err: written.err, code };
}

describe('the list', () => {
  test('newest first, one line a call, with how it stands and its id', async () => {
    const { out, code } = await referee('calls', '--utc');
    const lines = out.trimEnd().split('\n');
    expect(code).toBe(0);
    expect(lines[0]).toMatch(
      /^CAME \(UTC\) +FROM +TO +OUTCOME +RULE +LAST ATTEMPT +WITH US +CALL$/,
    );
    expect(lines[1]).toContain('v3:second');
    expect(lines[2]).toMatch(
      /^2026-03-02 15:00:00 .* not_reached +support +support-us not_allowed +5\.0 s +v3:first$/,
    );
  });

  describe('on a terminal', () => {
    const LONG_ID = `v3:${'MdI91X4lWFEs7IgbBEOT9M4AigoY08M0WWZFISt1Yw2axZ_IiE4pqg'.repeat(2)}`;
    let url: string;
    beforeAll(async () => {
      url = `sqlite:${join(folder, 'long.db')}`;
      const long = await openStore({ kind: 'sqlite', path: join(folder, 'long.db') });
      const target = 'a-very-long-name-of-a-target';
      const call = aCall(LONG_ID, {
        createdAt: T0,
        endedAt: T0 + 5_000,
        phase: 'ended',
        ends: 'failed',
        rule: 'support',
        decided: true,
        attempts: [anAttempt('a-2'), anAttempt('a-3', { target, verdict: 'not_allowed' })],
      });
      await long.commit([aUnit(call, 0)], null);
      await long.close();
    });

    async function listed(columns: number): Promise<string[]> {
      const written = terminal(true, url);
      written.io.env.COLUMNS = String(columns);
      expect(await runCli(['calls', '--utc'], written.io)).toBe(0);
      return written.out.trimEnd().split('\n');
    }

    test.each([40, 60, 80, 100])(
      'of %i columns what happened and the whole id stay',
      async (columns) => {
        const [head = '', idHead, row = '', id = ''] = await listed(columns);
        expect([head, row].filter((line) => line.length > columns)).toEqual([]);
        expect([head, row]).toEqual([
          expect.stringMatching(/\bOUTCOME .*LAST ATTEMPT/),
          expect.stringMatching(/\bnot_reached .*2\. a-very-l… not_allowed/),
        ]);
        expect([idHead, id]).toEqual(['  CALL', `  ${LONG_ID}`]);
        const one = terminal(true, url);
        expect(await runCli(['calls', id.trim(), '--json'], one.io)).toBe(0);
      },
    );

    test('the least telling columns go first', async () => {
      expect((await listed(80))[0]).toMatch(/^CAME \(UTC\) +FROM +TO +OUTCOME +LAST ATTEMPT$/);
      expect((await listed(75))[2]).toMatch(/^03-02 15:00:00 \+353861234567 /);
      expect((await listed(130))[0]).toMatch(/RULE +LAST ATTEMPT +WITH US$/);
      expect((await listed(250))[0]).toMatch(/RULE +LAST ATTEMPT +WITH US +CALL$/);
    });
  });

  test('--csv has a line for each call, and what does not go with it is refused', async () => {
    const { out, code } = await referee('calls', '--csv', '--outcome', 'not_reached');
    expect(code).toBe(0);
    expect(out.split('\r\n').slice(1)).toEqual([
      expect.stringMatching(
        /^v3:first,2026-03-02T15:00:00\.000Z,.*,not_reached,Not reached after /,
      ),
      '',
    ]);
    expect((await referee('calls', '--csv', '--json')).code).not.toBe(0);
    const ofOne = await referee('calls', 'v3:first', '--csv');
    expect(ofOne).toMatchObject({ code: 2, out: '' });
    expect(ofOne.err).toBe('referee calls: --csv is for the list, not for one call\n');
    // A filter beside an id would be ignored, and the answer taken for a filtered one.
    for (const filter of ['since', 'limit', 'rule', 'verdict', 'legs'] as const) {
      const value = { since: '1h', limit: '5', rule: 'support', verdict: 'busy', legs: 'all' }[
        filter
      ];
      expect(await referee('calls', 'v3:first', `--${filter}`, value)).toMatchObject({
        code: 2,
        out: '',
        err: `referee calls: --${filter} is for the list, not for one call\n`,
      });
    }
    expect((await referee('stats', '--csv')).out).toMatch(/^of,name,calls,/);
  });

  test('times are those of the terminal, with their offset, or UTC', async () => {
    await inZone('Asia/Kolkata', async () => {
      const { out } = await referee('calls');
      expect(out).toMatch(/^CAME \(UTC\+05:30\) /);
      expect(out).toContain('\n2026-03-02 20:30:00 ');
      const story = (await referee('calls', 'v3:first')).out;
      // The words of the page.
      expect(story).toContain('came 2026-03-02T20:30:00+05:30, with us for 5.0 s');
      expect(story).toContain('Timeline (times in UTC+05:30)\n  20:30:00.000 ');
      expect((await referee('calls', '--utc')).out).toMatch(
        /^CAME \(UTC\) .*\n2026-03-02 15:01:00/,
      );
      expect((await referee('calls', 'v3:first', '--utc')).out).toContain(
        'came 2026-03-02T15:00:00Z,',
      );
    });
  });

  test('an empty list says what is empty', async () => {
    expect((await referee('calls', '--verdict', 'busy', '--to', '+1')).out).toBe(
      'No calls in the store match: verdict busy, to +1.\n',
    );
    const empty = join(folder, 'empty.db');
    await (await openStore({ kind: 'sqlite', path: empty })).close();
    const written = terminal(false, `sqlite:${empty}`);
    await runCli(['calls'], written.io);
    expect(written.out).toBe('There are no calls in the store that DATABASE_URL names.\n');
  });

  test('every filter narrows it', async () => {
    for (const filter of [
      ['--phase', 'ended'],
      ['--rule', 'support'],
      ['--target', 'support-us'],
      ['--verdict', 'not_allowed'],
      ['--ends', 'failed'],
      ['--from', '+353861234567'],
      ['--to', '+14155550100'],
      ['--number', '+14155550100'],
      ['--outcome', 'not_reached'],
      ['--q', '5550100'],
      ['--q', 'upport-u', '--direction', 'incoming'],
      ['--until', '2026-03-02T15:00:30Z'],
    ]) {
      const { out } = await referee('calls', ...filter, '--json');
      expect([filter, ids(out)]).toEqual([filter, ['v3:first']]);
    }
    expect(ids((await referee('calls', '--since', '2026-03-02T15:00:30Z', '--json')).out)).toEqual([
      'v3:second',
    ]);
    expect(ids((await referee('calls', '--since', '1h', '--json')).out)).toEqual([]);
    expect(ids((await referee('calls', '--limit', '1', '--json')).out)).toEqual(['v3:second']);
  });

  test('--rule otherwise lists the calls that were decided without a rule', async () => {
    const own = join(folder, 'otherwise.db');
    const writer = await openStore({ kind: 'sqlite', path: own });
    await writer.commit(
      [
        aUnit(aCall('v3:ruled', { decided: true, rule: 'support' }), 0),
        aUnit(aCall('v3:otherwise', { decided: true }), 0),
        aUnit(aCall('v3:undecided'), 0),
        aUnit(aCall('v3:outgoing', { phase: 'unmanaged', facts: { direction: 'outgoing' } }), 0),
      ],
      null,
    );
    await writer.close();
    const written = terminal(false, `sqlite:${own}`);
    await runCli(['calls', '--rule', 'otherwise', '--json'], written.io);
    expect(JSON.parse(written.out).calls).toMatchObject([
      { call_control_id: 'v3:otherwise', rule: null, decided: true },
    ]);
    const told = async (id: string) => {
      const story = terminal(false, `sqlite:${own}`);
      await runCli(['calls', id], story.io);
      return /^rule .*?(?=, route set)/m.exec(story.out)?.[0];
    };
    const ids = ['v3:ruled', 'v3:otherwise', 'v3:undecided', 'v3:outgoing'];
    expect(await Promise.all(ids.map(told))).toEqual([
      'rule support',
      'rule otherwise',
      'rule none yet',
      'rule none',
    ]);
  });

  test('what a caller wrote never reaches the terminal as control characters', async () => {
    for (const argv of [
      ['calls'],
      ['calls', 'v3:second'],
      ['calls', '--json'],
      ['calls', 'v3:second', '--json'],
      ['calls', '--csv'],
    ]) {
      const { out } = await referee(...argv);
      expect([argv, [...ESCAPE].filter((each) => each > '~' && out.includes(each))]).toEqual([
        argv,
        [],
      ]);
      expect([argv, out.includes('\u001b'), out.includes('\u0007')]).toEqual([argv, false, false]);
    }
    const { out } = await referee('calls', '--json');
    expect(JSON.stringify(JSON.parse(out))).toContain('\u009b31m');
  });

  test('a wrong value is refused with what would be right', async () => {
    const { code, err } = await referee('calls', '--verdict', 'engaged');
    expect(code).not.toBe(0);
    expect(err).toContain('busy');
    expect((await referee('calls', '--since', 'yesterday')).err).toContain('15m');
    const zoneless = await referee('calls', '--since', '2026-03-02T15:00');
    expect([zoneless.code, zoneless.out]).toEqual([2, '']);
    expect(zoneless.err).toContain(
      '"2026-03-02T15:00" is not an ISO 8601 time such as 2026-03-02T15:00:00Z; its zone is missing: write 2026-03-02T15:00Z',
    );
  });
});

describe('one call', () => {
  test('tells why, what was tried with what to do, and its story with each outcome', async () => {
    const { out, code } = await referee('calls', 'v3:first');
    expect(code).toBe(0);
    for (const words of [
      'ends failed',
      'cost 0.1042 USD (call-control 0.0020, sip-trunking 0.1022)',
      '+ support: to: it is',
      'not_allowed (SIP 405)',
      "means:  The caller's side does not allow REFER.",
      'rule “support”',
      'call.initiated  The call arrives',
      'command.accepted  The answer was accepted',
      '-> answer: accepted 200',
    ]) {
      expect(out).toContain(words);
    }
  });

  test('is found by its number too, the latest one', async () => {
    expect(JSON.parse((await referee('calls', '+14155550120', '--json')).out)).toMatchObject({
      call_control_id: 'v3:second',
    });
  });

  test('that is not there is said, with what to give', async () => {
    const { code, err } = await referee('calls', 'v3:nobody');
    expect([code, err]).toEqual([1, expect.stringContaining('no call "v3:nobody"')]);
  });
});

test('--follow tells each change as a line, until it is stopped', async () => {
  const stop = new AbortController();
  const written = terminal();
  const running = runCalls(null, { limit: 20, follow: true, json: true }, written.io, stop.signal);
  await expect.poll(() => written.out.trim().split('\n').length).toBe(2);
  const found = await store.find('v3:second');
  if (!found) throw new Error('no call');
  await store.commit([aUnit({ ...found.call, phase: 'referred' }, found.version)], null);
  await expect.poll(() => written.out.trim().split('\n').length, { timeout: 3_000 }).toBe(3);
  expect(JSON.parse(written.out.trim().split('\n')[2] ?? '')).toMatchObject({ phase: 'referred' });
  stop.abort();
  expect(await running).toBe(0);
});

test('looking changes nothing: neither the file nor what the writer may do', async () => {
  await store.ping();
  // A writer that is idle for a second copies its log into the file, so that is done first.
  const file = new DatabaseSync(path);
  const log = file.prepare('pragma wal_checkpoint(noop)');
  await waitFor(() => {
    const row = log.get();
    expect(row?.checkpointed).toBe(row?.log);
  });
  file.close();
  const before = [statSync(path), statSync(`${path}-wal`)].map(({ mtimeMs, size }) => [
    mtimeMs,
    size,
  ]);
  for (let turn = 0; turn < 3; turn += 1) await referee('calls', 'v3:first');
  const after = [statSync(path), statSync(`${path}-wal`)].map(({ mtimeMs, size }) => [
    mtimeMs,
    size,
  ]);
  expect(after).toEqual(before);
});

test('a store that is not there is said, and none is made', async () => {
  const nowhere = join(folder, 'nowhere.db');
  const written = terminal(false, `sqlite:${nowhere}`);
  expect(await runCalls(null, { limit: 1 }, written.io, new AbortController().signal)).toBe(1);
  expect(written.err).toContain('there is no such file');
  expect(() => statSync(nowhere)).toThrow();
});

function ids(out: string): string[] {
  const { calls } = JSON.parse(out) as { calls: { call_control_id: string }[] };
  return calls.map(({ call_control_id: id }) => id);
}

test('a SIP address is asked for as it is stored, whatever the case of its host', () => {
  const asked = { from: 'SIP:Ada@PBX.Example', to: '+14155550100;npdi', limit: 1 };
  expect(filterOf(asked)).toEqual({ from: 'sip:Ada@pbx.example', to: '+14155550100', limit: 1 });
});

// The last, because it adds a call.
test('a call with more events than are kept says so at the end of its timeline', async () => {
  const { out: whole } = await referee('calls', 'v3:first');
  expect(whole).not.toContain('are kept');
  const commands = [{ id: 'c-long', action: 'probe', attempt: null }];
  const events = Array.from({ length: 501 }, (_, n) => anEntry(`long-${n}`, { commands }));
  await store.commit([aUnit(aCall('v3:long'), 0, { events })], null);
  const { out } = await referee('calls', 'v3:long');
  expect(out).toContain('-> probe: its outcome is not listed');
  expect(out).toContain('\nOnly the first 500 events of a call are kept');
});
