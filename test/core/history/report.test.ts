/** A report from sums: groups, days in a time zone, and the period it is compared with. */
import { describe, expect, test } from 'vitest';
import { createReport, numberOfRow } from '../../../src/core/history/report.ts';
import {
  type ReportAsked,
  reportAsked,
  spanBefore,
} from '../../../src/core/history/report-asked.ts';
import { sumsOf } from '../../../src/core/history/sums.ts';
import { aCall, anAttempt, type CallGiven } from '../../helpers/documents.ts';

const at = (text: string) => Date.parse(text);
const BERLIN = 'Europe/Berlin';

function asked(more: Partial<ReportAsked> = {}): ReportAsked {
  return {
    from: at('2026-03-02T00:00:00Z'),
    to: at('2026-03-04T00:00:00Z'),
    by: 'day',
    compare: null,
    zone: 'UTC',
    ...more,
  };
}

let n = 0;
function sums(when: string, given: CallGiven = {}) {
  n += 1;
  const createdAt = at(when);
  return sumsOf(
    aCall(`v3:${n}`, { createdAt, endedAt: createdAt, phase: 'ended', ends: 'referred', ...given }),
  );
}

const attempt = (
  verdict: 'completed' | 'busy' | 'skipped' | 'no_verdict',
  ms: number,
  target = 'desk',
) => anAttempt(`a-${n}-${ms}`, { target, verdict, startedAt: 0, acceptedAt: 0, endedAt: ms });

describe('what is asked for', () => {
  const given = { by: 'day', compare: null, zone: 'UTC' } as const;

  test('is rounded to whole hours, and is a week until now where nothing is said', () => {
    expect(reportAsked({ ...given, from: null, to: null }, at('2026-03-09T10:20:00Z'))).toEqual({
      ...given,
      from: at('2026-03-02T11:00:00Z'),
      to: at('2026-03-09T11:00:00Z'),
    });
  });

  test.each([
    [{ from: 5 * 3_600_000, to: 3_600_000 }, 'to', 'not after'],
    [{ from: 0, to: 2_000 * 86_400_000 }, 'from', 'at most 1100 days'],
    [{ from: 0, to: 100 * 86_400_000, by: 'hour' as const }, 'from', 'by hour covers at most 92'],
    [{ from: null, to: at('9999-12-31T23:59:59Z') }, 'to', 'after the year 9998'],
    [{ from: at('0000-01-01T00:00:00Z'), to: at('0000-01-02T00:00:00Z') }, 'from', 'before 1970'],
  ])('%j is refused', (more, field, words) => {
    const refused = reportAsked({ ...given, ...more }, 0);
    expect(refused).toMatchObject({ field, problem: expect.stringContaining(words) });
  });
});

describe('the span before', () => {
  test.each<[string, Partial<ReportAsked>, string, string]>([
    ['previous', {}, '2026-02-28T00:00:00Z', '2026-03-02T00:00:00Z'],
    ['week', {}, '2026-02-23T00:00:00Z', '2026-02-25T00:00:00Z'],
    [
      // Clocks change on 29 March: the local midnights are the same, but an hour apart in UTC.
      'week',
      { from: at('2026-03-29T22:00:00Z'), to: at('2026-03-30T22:00:00Z'), zone: BERLIN },
      '2026-03-22T23:00:00Z',
      '2026-03-23T23:00:00Z',
    ],
    [
      'previous',
      { from: at('2026-03-29T22:00:00Z'), to: at('2026-03-30T22:00:00Z'), zone: BERLIN },
      '2026-03-28T23:00:00Z',
      '2026-03-29T22:00:00Z',
    ],
  ])('%s %j', (compare, more, from, to) => {
    const span = spanBefore(asked({ ...more, compare: compare as 'previous' | 'week' }));
    expect(span).toEqual({ from: at(from), to: at(to) });
  });
});

test('by day, in the days of the zone, those without a call too', () => {
  const report = createReport(
    asked({ from: at('2026-03-01T23:00:00Z'), to: at('2026-03-03T23:00:00Z'), zone: BERLIN }),
  );
  // Half past midnight in Berlin.
  for (const sum of sums('2026-03-02T23:30:00Z')) report.add(sum, 'now');
  expect(report.json().rows.map(({ key, calls }) => [key, calls])).toEqual([
    ['2026-03-02', 0],
    ['2026-03-03', 1],
  ]);
});

test('the nth day stands beside the nth of the span before', () => {
  const report = createReport(asked({ compare: 'week' }));
  for (const sum of sums('2026-02-24T12:00:00Z')) report.add(sum, 'before');
  for (const sum of sums('2026-03-03T12:00:00Z', { ends: 'abandoned' })) report.add(sum, 'now');
  const { rows, total, compared_with: compared } = report.json();
  expect(rows.map(({ key, calls, before }) => [key, calls, before?.calls])).toEqual([
    ['2026-03-02', 0, 0],
    ['2026-03-03', 1, 1],
  ]);
  expect(total).toMatchObject({ calls: 1, outcomes: { gave_up: 1 }, before: { calls: 1 } });
  expect(compared).toEqual({ from: '2026-02-23T00:00:00.000Z', to: '2026-02-25T00:00:00.000Z' });
});

describe('a report by day has no line outside its days, and each stands beside as many hours', () => {
  const HOUR_MS = 3_600_000;
  /** One call in each hour of both spans. */
  function compared(zone: string, compare: 'previous' | 'week', from: string, to: string) {
    const what = asked({ from: at(from), to: at(to), compare, zone });
    const report = createReport(what);
    const fill = (span: { from: number; to: number } | null, when: 'now' | 'before') => {
      if (span === null) return;
      for (let hour = span.from; hour < span.to; hour += HOUR_MS) {
        for (const sum of sums(new Date(hour).toISOString())) report.add(sum, when);
      }
    };
    fill(what, 'now');
    fill(spanBefore(what), 'before');
    return report.json().rows.map(({ key, calls, before }) => [key, calls, before?.calls]);
  }

  test('until the middle of a day, against the period just before', () => {
    expect(compared('UTC', 'previous', '2026-03-04T00:00:00Z', '2026-03-06T14:00:00Z')).toEqual([
      ['2026-03-04', 24, 24],
      ['2026-03-05', 24, 24],
      ['2026-03-06', 14, 14],
    ]);
  });

  test('in days after clocks were changed by half an hour', () => {
    const from = '2026-10-05T13:00:00Z';
    const to = '2026-10-07T13:00:00Z';
    expect(compared('Australia/Lord_Howe', 'week', from, to)).toEqual([
      ['2026-10-06', 24, 24],
      ['2026-10-07', 24, 24],
    ]);
  });

  test.each([
    ['whose midnight is skipped', 'Asia/Beirut', '2026-03-28T22:00:00Z', 23, 24],
    ['a week after one whose midnight was skipped', 'Africa/Cairo', '2026-04-30T21:00:00Z', 24, 23],
    ['that has midnight twice', 'America/Havana', '2026-11-01T04:00:00Z', 25, 24],
    ['in which Ramadan ends', 'Africa/Casablanca', '2026-03-22T00:00:00Z', 23, 24],
  ])('a day %s: %s', (_, zone, from, hours, before) => {
    const to = new Date(at(from) + hours * HOUR_MS).toISOString();
    expect(compared(zone, 'week', from, to)).toEqual([[expect.any(String), hours, before]]);
    const yesterday = compared(zone, 'previous', from, to).map(([, ...calls]) => calls);
    expect(yesterday).toEqual([[hours, 24]]);
  });
});

describe('an hour stands beside the same local hour', () => {
  /** One call in each hour of both spans; the hours that differ, in local time. */
  function differing(from: string, to: string) {
    const span = { from: at(from), to: at(to) };
    const what = asked({ ...span, by: 'hour', compare: 'week', zone: BERLIN });
    const report = createReport(what);
    const hours = ({ from: first, to: last }: typeof span) =>
      Array.from({ length: (last - first) / 3_600_000 }, (_, index) =>
        new Date(first + index * 3_600_000).toISOString(),
      );
    for (const when of hours(span)) for (const sum of sums(when)) report.add(sum, 'now');
    for (const when of hours(spanBefore(what) ?? span))
      for (const sum of sums(when)) report.add(sum, 'before');
    const { rows, total } = report.json();
    expect(rows.map(({ key }) => key)).toEqual(hours(span));
    expect(rows.reduce((sum, { before }) => sum + (before?.calls ?? 0), 0)).toBe(
      total.before?.calls,
    );
    return rows.flatMap(({ key, calls, before }) =>
      calls === before?.calls ? [] : [[key, calls, before?.calls]],
    );
  }

  test.each([
    ['on a usual day', '2026-03-02T23:00:00Z', '2026-03-03T23:00:00Z', []],
    [
      'a week after the hour that occurred twice',
      '2026-10-31T23:00:00Z',
      '2026-11-01T23:00:00Z',
      [['2026-11-01T01:00:00.000Z', 1, 2]],
    ],
    [
      'a week after the hour that was skipped',
      '2026-04-04T22:00:00Z',
      '2026-04-05T22:00:00Z',
      [['2026-04-05T00:00:00.000Z', 1, 0]],
    ],
    [
      'on the day with an hour twice',
      '2026-10-24T22:00:00Z',
      '2026-10-25T23:00:00Z',
      [['2026-10-25T01:00:00.000Z', 1, 0]],
    ],
    [
      'on the day without an hour',
      '2026-03-28T23:00:00Z',
      '2026-03-29T22:00:00Z',
      [['2026-03-29T01:00:00.000Z', 1, 2]],
    ],
  ])('%s', (_, from, to, expected) => {
    expect(differing(from, to)).toEqual(expected);
  });
});

test('by rule, target, number and outcome, with rates, times and exact costs', () => {
  const cost = (amount: string) => ({
    legId: 'x',
    eventId: amount,
    part: amount,
    currency: 'USD',
    amount,
  });
  const all = [
    sums('2026-03-02T10:00:00Z', {
      rule: 'sales',
      attempts: [attempt('busy', 1_000, 'first'), attempt('completed', 3_000)],
      costs: [cost('0.1'), cost('0.02')],
    }),
    sums('2026-03-02T11:00:00Z', {
      rule: 'sales',
      ends: 'failed',
      attempts: [attempt('busy', 9_000)],
    }),
    sums('2026-03-02T12:00:00Z', { ends: 'hung_up' }),
  ].flat();
  const by = (what: ReportAsked['by']) => {
    const report = createReport(asked({ by: what }));
    for (const sum of all) report.add(sum, 'now');
    return report.json();
  };
  expect(by('rule').rows).toMatchObject([
    {
      key: 'sales',
      calls: 2,
      outcomes: { reached: 1, not_reached: 1 },
      reached_rate: 0.5,
      attempts: 3,
      verdicts: { busy: 2, completed: 1 },
      moves: 3,
      costs: [{ currency: 'USD', amount: '0.12' }],
      before: null,
    },
    {
      key: null,
      label: 'otherwise, or none',
      calls: 1,
      outcomes: { turned_away: 1 },
      reached_rate: null,
    },
  ]);
  expect(by('target').rows.map(({ label, calls, attempts }) => [label, calls, attempts])).toEqual([
    ['desk', 2, 2],
    ['nobody was moved', 1, 0],
    ['first', 0, 1],
  ]);
  expect(by('number').rows).toMatchObject([{ key: '+14155550100', calls: 3 }]);
  expect(by('outcome').rows.map(({ key, calls }) => [key, calls])).toEqual([
    ['reached', 1],
    ['not_reached', 1],
    ['gave_up', 0],
    ['unsure', 0],
    ['turned_away', 1],
    ['not_ours', 0],
  ]);
  const { total } = by('hour');
  expect(Math.abs((total.median_verdict_ms ?? 0) - 3_000)).toBeLessThan(151);
  expect(Math.abs((total.p95_verdict_ms ?? 0) - 9_000)).toBeLessThan(451);
});

test('what is counted stands in one order, whatever the order of the sums', () => {
  const cost = (currency: string) => ({
    legId: 'x',
    eventId: currency,
    part: '',
    currency,
    amount: '1',
  });
  const all = [
    sums('2026-03-02T10:00:00Z', { attempts: [attempt('completed', 1)], costs: [cost('USD')] }),
    sums('2026-03-02T10:00:00Z', { attempts: [attempt('busy', 1)], costs: [cost('EUR')] }),
  ].flat();
  const read = (of: typeof all) => {
    const report = createReport(asked({ by: 'rule' }));
    for (const sum of of) report.add(sum, 'now');
    return JSON.stringify(report.json());
  };
  expect(read(all.toReversed())).toBe(read(all));
});

test('a target that was skipped, or for which Telnyx was not reached, is no attempt and no move', () => {
  const passedOver = { ...attempt('skipped', 0, 'down'), unsent: true };
  const neverAsked = { ...attempt('no_verdict', 0), unsent: true };
  const report = createReport(asked({ by: 'target' }));
  for (const sum of sums('2026-03-02T10:00:00Z', {
    attempts: [passedOver, neverAsked, attempt('completed', 900)],
  })) {
    report.add(sum, 'now');
  }
  expect(report.json().rows).toMatchObject([{ key: 'desk', calls: 1, attempts: 1, moves: 1 }]);
  expect(report.json().total.verdicts).toEqual({ completed: 1 });
});

test('by row: a caller in two tables has a line in both and counts once; nobody who called is named', () => {
  const line = { table: 'lines', key: '+4930901820', of: 'to' } as const;
  const vip = { table: 'vip', key: '+4915112345678', of: 'from' } as const;
  const report = createReport(asked({ by: 'row' }));
  for (const rows of [[line, vip], [line], []]) {
    for (const sum of sums('2026-03-02T10:00:00Z', { rows })) report.add(sum, 'now');
  }
  const { rows, total } = report.json();
  expect(rows.map(({ key, label, calls }) => [key, label, calls])).toEqual([
    ['lines:+4930901820', 'lines:+4930901820', 2],
    [null, 'no table decided', 1],
    ['vip', 'vip', 1],
  ]);
  expect(total.calls).toBe(3);
  expect(rows.map(({ key }) => numberOfRow('row', key))).toEqual(['+4930901820', null, null]);
});
