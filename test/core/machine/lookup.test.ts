/**
 * A decision that waits for a lookup: the caller hears ringing, the lookup is sent once, and the
 * call is never stuck.
 */
import { describe, expect, test } from 'vitest';
import type { Command, LookupRequest, Outcome } from '../../../src/core/machine/command.ts';
import type { Decision } from '../../../src/core/machine/plan.ts';
import { foldCall } from '../../../src/core/recording/fold.ts';
import { CALL, decision, drive, refer } from '../../helpers/machine.ts';

const crm: LookupRequest = {
  name: 'crm',
  url: 'https://crm.example.com/who',
  headers: [],
  keep: [{ name: 'tier', path: ['tier'] }],
  timeoutMs: 400,
  cacheMs: null,
};
const asks = (lookup: LookupRequest) => decision(null, { rule: null, lookup });
const queue = decision([refer('queue')], { rule: 'otherwise' });

/** Gold callers go to their agent if the CRM says so. */
function byTier(_event: string, { lookups = {} }: { lookups?: Known }): Decision {
  if (lookups.crm === undefined) return asks(crm);
  return lookups.crm.values.tier === 'gold' ? decision([refer('agent')], { rule: 'gold' }) : queue;
}
type Known = Readonly<Record<string, { values: Readonly<Record<string, string>> }>>;

function brought(values: Record<string, string>): Outcome {
  return {
    kind: 'accepted',
    status: 200,
    alive: null,
    lookup: { result: 'found', values, ms: 120 },
  };
}
const FAILED: Outcome = {
  kind: 'unknown',
  detail: 'answered with HTTP 503',
  lookup: { result: 'http_status', values: {}, ms: 30 },
};

function asked(decide = byTier) {
  const call = drive(decide);
  call.hook('call.initiated');
  return call;
}

describe('a rule needs a lookup', () => {
  test('the caller keeps ringing, and it is the only thing that is sent', () => {
    const call = asked();
    expect(call.call).toMatchObject({ phase: 'new', decided: false, rule: null });
    expect(call.commands).toMatchObject([
      { action: 'lookup', name: 'crm', giveUpAt: call.now + 400, clientState: null },
    ]);
    expect(call.call.deadlines.map(({ name }) => name)).toEqual(['lookup']);
  });

  test('its answer decides', () => {
    const call = asked();
    call.outcome(call.last('lookup'), brought({ tier: 'gold' }));
    expect(call.call.rule).toBe('gold');
    expect(call.call.facts.lookups).toEqual({ crm: { values: { tier: 'gold' }, failed: null } });
    expect(call.notices).toContainEqual({
      kind: 'lookup',
      name: 'crm',
      result: 'found',
      failed: null,
      ms: 120,
    });
    expect(call.call.deadlines.map(({ name }) => name)).not.toContain('lookup');
  });

  test('without an answer the call goes on as if nothing of it held', () => {
    const call = asked();
    call.outcome(call.last('lookup'), FAILED);
    expect(call.call.rule).toBe('otherwise');
    expect(call.call.facts.lookups?.crm).toEqual({ values: {}, failed: 'answered with HTTP 503' });
  });

  test('nobody lives to tell what became of it: its deadline decides, postponed by nothing', () => {
    const call = asked();
    const [due] = call.call.deadlines;
    const event = {
      source: 'deadline',
      id: 'deadline',
      callId: CALL,
      type: 'deadline.lookup',
      receivedAt: 0,
      occurredAt: null,
      name: 'lookup',
      n: due?.n ?? 0,
      putOff: true,
    } as const;
    call.put(event);
    expect(call.call.rule).toBe('otherwise');
    expect(call.cancelled).toEqual([call.last('lookup').id]);
    expect(call.notices).toContainEqual(
      expect.objectContaining({ kind: 'lookup', result: 'time_over' }),
    );
  });

  test('a late or a second answer changes nothing', () => {
    const call = asked();
    const lookup = call.last('lookup');
    call.fall('lookup');
    const before = call.call;
    const late = call.outcome(lookup, brought({ tier: 'gold' }));
    expect(call.call.rule).toBe('otherwise');
    expect(call.call.facts).toEqual(before.facts);
    expect(late.commands).toEqual([]);
    expect(late.notes).toEqual(['lookup: its answer came too late and changes nothing']);
  });

  test('a try that did not leave is not its end', () => {
    const call = asked();
    call.outcome(call.last('lookup'), {
      kind: 'retry',
      status: null,
      detail: 'late',
      afterMs: 0,
      provenUnsent: true,
    });
    expect(call.call.decided).toBe(false);
    call.outcome(call.last('lookup'), brought({ tier: 'gold' }));
    expect(call.call.rule).toBe('gold');
  });

  test('the caller hangs up meanwhile: it is cancelled, and nothing is decided', () => {
    const call = asked();
    call.hook('call.hangup', { hangupCause: 'originator_cancel', hangupSource: 'caller' });
    expect(call.call).toMatchObject({ phase: 'ended', ends: 'abandoned', asking: null });
    expect(call.cancelled).toEqual([call.last('lookup').id]);
    call.outcome(call.last('lookup'), brought({ tier: 'gold' }));
    expect(call.call).toMatchObject({ phase: 'ended', rule: null });
  });

  test('several are asked one after the other, each once', () => {
    const billing = { ...crm, name: 'billing' };
    const call = asked((_event, { lookups = {} }) => {
      if (lookups.crm === undefined) return asks(crm);
      return lookups.billing === undefined ? asks(billing) : queue;
    });
    call.outcome(call.last('lookup'), FAILED);
    expect(names(call.commands)).toEqual(['crm', 'billing']);
    expect(call.call.phase).toBe('new');
    call.fall('lookup');
    expect(call.call.rule).toBe('otherwise');
    expect(names(call.commands)).toEqual(['crm', 'billing']);
  });

  test('an operator moves the caller first: it is not asked again if that fails', () => {
    const call = asked();
    const step = refer('operator');
    call.put({
      source: 'manual',
      id: 'manual:1',
      callId: CALL,
      type: 'manual.refer',
      receivedAt: 0,
      occurredAt: null,
      step,
    });
    expect(call.cancelled).toEqual([call.last('lookup').id]);
    call.accept(call.last('answer'));
    call.hook('call.answered');
    call.accept(call.last('refer'));
    call.hook('call.refer.failed', { sipNotifyResponse: 486 });
    expect(call.call.rule).toBe('otherwise');
    expect(names(call.commands)).toEqual(['crm']);
  });

  test('what happened is run again from its events alone', () => {
    const call = asked();
    call.outcome(call.last('lookup'), brought({ tier: 'gold' }));
    const folded = foldCall({ events: call.recorded, stored: call.call });
    expect(folded.differences).toEqual([]);
    expect(folded.asked.map(({ decision: each }) => each?.rule ?? null)).toEqual([null, 'gold']);
  });
});

describe('a rule on a later event needs a lookup', () => {
  const onKey = (event: string, { lookups = {} }: { lookups?: Known }) => {
    if (event !== 'call.dtmf.received') return decision(null, { rule: null });
    if (lookups.crm === undefined) return asks(crm);
    return lookups.crm.values.tier === 'gold'
      ? decision([refer('agent')], { rule: 'gold' })
      : queue;
  };

  test('the call stays as it is until the answer, and keys pressed meanwhile have their turn', () => {
    const call = asked(onKey);
    expect(call.call.phase).toBe('unmanaged');
    call.hook('call.answered');
    call.hook('call.dtmf.received', { digits: '1' });
    call.hook('call.dtmf.received', { digits: '2' });
    expect(names(call.commands)).toEqual(['crm']);
    expect(call.call.phase).toBe('unmanaged');
    expect(call.call.asking?.moments.map(({ digits }) => digits)).toEqual(['1', '2']);
    call.outcome(call.last('lookup'), brought({ tier: 'gold' }));
    expect(call.call.rule).toBe('gold');
    expect(call.count('refer')).toBe(1);
    expect(foldCall({ events: call.recorded, stored: call.call }).differences).toEqual([]);
  });
});

function names(commands: Command[]): string[] {
  return commands.flatMap((command) => (command.action === 'lookup' ? [command.name] : []));
}
