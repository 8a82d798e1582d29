/** `referee calls --verify` and `--export` on a real store. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../../src/cli.ts';
import { readExport } from '../../src/core/recording/export.ts';
import { foldCall } from '../../src/core/recording/fold.ts';
import { openStore } from '../../src/store/open.ts';
import { aCall, anEntry, aUnit } from '../helpers/documents.ts';
import { decision, drive, refer, stamp } from '../helpers/machine.ts';

let folder: string;
let path: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'referee-recorded-'));
  path = join(folder, 'referee.db');
  const store = await openStore({ kind: 'sqlite', path });
  const d = drive(decision([refer('a', { ifFailed: { busy: [refer('b')] } })]));
  d.hook('call.initiated');
  d.accept(d.last('answer'));
  d.hook('call.answered');
  d.accept(d.last('refer'));
  d.hook('call.refer.failed', { ...stamp(d), sipNotifyResponse: 486 });
  d.accept(d.last('refer'));
  d.hook('call.refer.completed', { ...stamp(d), sipNotifyResponse: 200 });
  d.hook('call.hangup', { hangupCause: 'normal_clearing' });
  await store.commit([aUnit(d.call, 0, { events: d.timeline })], null);
  // As written by an older release, which recorded no events.
  await store.commit([aUnit(aCall('v3:old'), 0, { events: [anEntry('e')] })], null);
  await store.close();
});

afterAll(() => rmSync(folder, { recursive: true }));

async function referee(...args: string[]) {
  let out = '';
  let err = '';
  const io = {
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
    env: { DATABASE_URL: `sqlite:${path}` },
    isTTY: false,
  };
  const code = await runCli(['calls', ...args], io);
  return { code, out, err };
}

const CALL = 'v3:call-under-test';

test('--verify: every call is what its recorded events give, and older ones are counted apart', async () => {
  expect(await referee('--verify')).toMatchObject({
    code: 0,
    out: '2 calls: 1 matches its recorded events, 0 do not. Not compared: 1 recorded by an older release.\n',
  });
  const { out } = await referee('--verify', '--json', '--ends', 'referred');
  expect(JSON.parse(out)).toEqual({
    calls: 1,
    same: 1,
    differs: 0,
    older: 0,
    newer: 0,
    incomplete: 0,
    list: [],
  });
});

test('--export: a line for each call, read back and run again; an existing file is kept', async () => {
  const file = join(folder, 'calls.jsonl');
  const written = await referee('--export', file);
  expect(written).toMatchObject({ code: 0, out: '' });
  expect(written.err).toContain('2 calls (1 of them without all of their events) written to');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  expect(lines).toHaveLength(2);
  expect(await referee('--export', file)).toMatchObject({ code: 1 });
  expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toEqual(lines);

  const { code, out } = await referee(CALL, '--export', '-');
  expect(code).toBe(0);
  expect(lines).toContain(out.trimEnd());
  const line = JSON.parse(out);
  expect(line).toMatchObject({
    format: 'referee.call',
    version: 1,
    call_control_id: CALL,
    facts: { from: '+14155550101', to: '+14155550100' },
    decision: { rule: 'test' },
    stored: { ends: 'referred' },
  });
  expect(line.events[0]).toMatchObject({ type: 'call.initiated', phase: 'answering' });
  expect(foldCall(readExport(out)).differences).toEqual([]);
  expect(await referee('v3:nobody', '--export', '-')).toMatchObject({ code: 1, out: '' });
  expect(await referee('--export', join(folder, 'none', 'x.jsonl'))).toMatchObject({ code: 1 });
  expect((await referee('--export', '-', '--verify')).code).not.toBe(0);
});

test('--verify exits with 2 if there is nothing to compare: 1 would mean a difference', async () => {
  const there = path;
  path = join(folder, 'missing.db');
  const missing = await referee('--verify');
  path = there;
  expect(missing).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringMatching(/missing\.db: there is no such file; DATABASE_URL must name/),
  });
  expect((await referee('v3:unknown', '--verify')).code).toBe(2);
  expect((await referee('v3:unknown')).code).toBe(1);
});

test('--verify names columns of lists and statistics that differ from the call; exit 1', async () => {
  const database = new DatabaseSync(path);
  const change = (ends: string, verdict: string) =>
    database.exec(
      `update calls set ends = '${ends}' where document like '%${CALL}%';
       update attempts set verdict = '${verdict}' where target = 'b'`,
    );
  change('failed', 'busy');
  const { code, out } = await referee('--verify');
  change('referred', 'completed');
  database.close();
  expect(code).toBe(1);
  expect(out.split('\n').slice(0, -2)).toEqual([
    CALL,
    '  ends: stored failed, the events give referred',
    '  attempts: stored [["refer","a","busy"],["refer","b","busy"]], the events give [["refer","a","busy"],["refer","b","completed"]]',
  ]);
  expect((await referee('--verify')).code).toBe(0);
});

test('--verify names what differs, and where it was first seen; exit 1', async () => {
  const database = new DatabaseSync(path);
  database.exec(
    `update calls set document = json_set(document, '$.attempts[1].verdict', 'busy', '$.ends', 'failed')
     where document like '%${CALL}%'`,
  );
  database.exec(
    `update events set document = json_set(document, '$.phase', 'speaking')
     where json_extract(document, '$.type') = 'call.refer.failed'`,
  );
  database.close();
  const { code, out } = await referee('--verify');
  expect(code).toBe(1);
  expect(out.split('\n')).toEqual([
    CALL,
    '  after event 5 (call.refer.failed), phase: stored speaking, the events give referring',
    '  ends: stored failed, the events give referred',
    expect.stringMatching(
      /^ {2}attempts: stored .*"verdict":"busy".*, the events give .*"completed"/,
    ),
    '2 calls: 0 match their recorded events, 1 does not. Not compared: 1 recorded by an older release.',
    '',
  ]);
  const asJson = await referee(CALL, '--verify', '--json');
  expect(asJson.code).toBe(1);
  const { list } = JSON.parse(asJson.out);
  expect(list).toMatchObject([
    {
      call_control_id: CALL,
      differences: [{ what: 'phase' }, { what: 'ends' }, { what: 'attempts' }],
    },
  ]);
});
