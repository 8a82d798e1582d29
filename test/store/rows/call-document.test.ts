/** A stored call is read back unchanged, although its document leaves out defaults. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Attempt, Call, CallFacts } from '../../../src/core/machine/call.ts';
import type { Command } from '../../../src/core/machine/command.ts';
import { newCall } from '../../../src/core/machine/new-call.ts';
import { NewerRow } from '../../../src/errors.ts';
import { loadKeys } from '../../../src/store/contract/calls.ts';
import { CODE_VERSION } from '../../../src/store/migrate.ts';
import { packCall, unpackCall } from '../../../src/store/rows/call-document.ts';
import { openSqlite } from '../../../src/store/sqlite/store.ts';
import { aCall, anAttempt, aUnit } from '../../helpers/documents.ts';

/**
 * No field has its default: the types require every field, and the first test checks that each
 * differs.
 */
const FACTS: CallFacts = {
  callId: 'v3:other',
  sessionId: 's',
  legId: 'l',
  connectionId: '1494404757140276705',
  from: '',
  to: '+14155550100',
  direction: 'outgoing',
  callerName: 'Ann "the \u0000" O\u2019Neill',
  callerType: 'sip',
  attestation: 'B',
  attestationValidated: true,
  headers: [{ name: 'X-A', value: '' }],
  tags: ['t'],
};
const ATTEMPT: Attempt = {
  id: 'other',
  kind: 'transfer',
  target: '',
  sipAddress: '+14155550199',
  startedAt: 0,
  sentAt: 2.5,
  requestEndedAt: 0,
  acceptedAt: 0,
  progress: true,
  verdict: 'abandoned',
  endedAt: 0,
  endHeardLateMs: 12_000,
  final: true,
  finalUnclear: true,
  sipNotifyResponse: 0,
  reason: '',
  byeWithoutVerdict: 'completed',
  unsent: true,
  takenBackAt: 0,
  movesOnAnyway: true,
  bLeg: '',
  bLegAnswered: true,
  bLegHangup: 'h',
  bLegEnded: true,
  manual: true,
};
const PARKED: Command = {
  id: 'p',
  callId: 'v3:other',
  legId: 'v3:other',
  attemptId: null,
  giveUpAt: 0,
  clientState: '',
  action: 'playback_stop',
};
const CALL: Call = {
  id: 'v3:other',
  facts: FACTS,
  createdAt: 0,
  endedAt: 0,
  endHeardLateMs: 12_000,
  endedByCaller: true,
  costs: [
    { legId: 'v3:other', eventId: 'e', part: 'call-control', currency: 'USD', amount: '0.0020' },
  ],
  acknowledgedAt: 0,
  heardAt: 0,
  phase: 'referring',
  ends: 'failed',
  answered: true,
  answerAssumed: true,
  answerRefused: true,
  answeredAgain: true,
  foreignState: '',
  stamped: true,
  parentId: '',
  decided: true,
  asking: {
    name: 'crm',
    id: 'c',
    askedAt: 0,
    moments: [{ event: 'call.initiated', digits: null, at: 0 }],
  },
  rule: '',
  rows: [{ table: 'lines', key: '+49*', of: 'to' }],
  label: 'Berlin main',
  routeSet: '',
  policy: { patienceMs: 0, whileMoving: null, refersPerCall: null, transfersPerCall: 0 },
  plan: [{ steps: [] }],
  lastResort: [{ do: 'hangup' }],
  lastResortRan: true,
  running: { id: 'r', step: { do: 'hangup' } },
  attempts: [ATTEMPT],
  voices: [{ id: 'v', kind: 'speak', loop: false, started: true }],
  deadlines: [{ name: 'step', dueAt: 0, setAt: 0, n: 0, putOff: false }],
  deadlineCount: 1,
  patienceOver: true,
  movingUnsafe: true,
  probe: { why: 'step', unknowns: 0, commandId: 'c' },
  unseen: 1,
  releases: 1,
  releasedAs: 'rejected',
  releasedByOperator: true,
  suspended: { phase: 'speaking', plan: [], running: null, done: { digits: null } },
  outstanding: [{ id: 'c', action: 'refer', legId: 'l', turnedAway: true }],
  parked: [PARKED],
};

describe('a call that is stored and read', () => {
  it.each(differing(newCall('v3:call', 1_000), CALL))('has its %s', (field, value) => {
    if (field === 'id' || field === 'facts') return;
    expectSame({ ...newCall('v3:call', 1_000), [field]: value });
  });

  it.each(differing(newCall('v3:call', 1_000).facts, FACTS))('has the fact %s', (field, value) => {
    if (field === 'callId') return;
    expectSame(aCall('v3:call', { facts: { [field]: value } }));
  });

  it.each(differing(anAttempt('a'), ATTEMPT))('has the %s of an attempt', (field, value) => {
    expectSame(aCall('v3:call', { attempts: [{ ...anAttempt('a'), [field]: value }] }));
  });

  it('is itself when all of it or nothing of it is out of the ordinary', () => {
    expectSame(CALL);
    expectSame(newCall('v3:call', 1_000));
    expectSame(aCall('v3:call', { attempts: [anAttempt('a'), ATTEMPT] }));
  });

  it('is read as well where everything is said', () => {
    for (const call of [CALL, newCall('v3:call', 1_000)]) {
      expect(unpackCall(JSON.stringify(call))).toStrictEqual(call);
    }
  });

  it('is stored without what every new call has', () => {
    const { id, createdAt, phase } = newCall('v3:call', 1_000);
    expect(JSON.parse(packCall(newCall('v3:call', 1_000)))).toEqual({
      id,
      facts: {},
      createdAt,
      phase,
    });
  });
});

describe('a document', () => {
  it('begins with the id of its call, also after it was read', () => {
    const call = { ...aCall('v3:call', { attempts: [anAttempt('other')] }), decided: true };
    expect(packCall(call)).toMatch(/^\{"id":"v3:call",/);
    expect(packCall(unpackCall(packCall(call)))).toMatch(/^\{"id":"v3:call",/);
  });
});

describe('a store', () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'referee-'));
    path = join(folder, 'referee.db');
  });

  afterEach(() => rm(folder, { recursive: true }));

  it('writes the document that says the least, in the name of this code', async () => {
    const store = await openSqlite(path, CODE_VERSION);
    const call = aCall('v3:call');
    await store.commit([aUnit(call, 0)], null);
    await store.close();
    const row = onFile((file) => file.prepare('select code, document from calls').get());
    expect(row).toEqual({ code: CODE_VERSION, document: packCall(call) });
    expect(packCall(call).length).toBeLessThan(JSON.stringify(call).length / 3);
  });

  it('leaves a row of newer code alone, whatever its document looks like', async () => {
    const store = await openSqlite(path, CODE_VERSION);
    await store.commit([aUnit(aCall('v3:call'), 0)], null);
    await store.close();
    const newer = JSON.stringify({ id: 'v3:call', attempts: { shape: 'another' } });
    onFile((file) => file.prepare('update calls set code = 99, document = ?').run(newer));
    const again = await openSqlite(path, CODE_VERSION);
    const load = again.load(loadKeys({ callIds: ['v3:call'] }));
    await expect(load).rejects.toThrow(NewerRow);
    await expect(load).rejects.toThrow(/call v3:call: its row was written by code version 99/);
    await again.close();
  });

  function onFile<T>(look: (file: DatabaseSync) => T): T {
    const file = new DatabaseSync(path);
    try {
      return look(file);
    } finally {
      file.close();
    }
  }
});

function expectSame(call: Call): void {
  expect(unpackCall(packCall(call))).toStrictEqual(call);
}

/** Fields and their values, after checking that none is a default. */
function differing(ordinary: object, other: object): [string, unknown][] {
  const before = new Map<string, unknown>(Object.entries(ordinary));
  return Object.entries(other).map(([field, value]) => {
    expect(value, field).not.toEqual(before.get(field));
    return [field, value];
  });
}
