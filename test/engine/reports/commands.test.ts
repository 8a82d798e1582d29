import { expect, test } from 'vitest';
import type { Outcome } from '../../../src/core/machine/command.ts';
import { createCommandReport } from '../../../src/engine/reports/commands.ts';
import { aCommand } from '../../helpers/documents.ts';

const ACCEPTED: Outcome = { kind: 'accepted', status: 200, alive: null };
const FORBIDDEN: Outcome = {
  kind: 'rejected',
  status: 403,
  code: '10010',
  detail: 'HTTP 403, Telnyx 10010 not permitted',
  callEnded: false,
  notAnswered: false,
  misconfigured: 'TELNYX_API_KEY',
};

function open() {
  let now = 0;
  const events: string[] = [];
  const report = createCommandReport(
    { emit: (event) => void events.push(event) },
    { now: () => now, monotonic: () => now },
  );
  return {
    report,
    wait: (ms: number) => {
      now += ms;
    },
    put: (action: 'answer' | 'hangup', outcome: Outcome) =>
      report.outcome(aCommand('c', 'v3:a', action), outcome, 1, 5),
    errors: () => events.filter((event) => event === 'command.misconfigured').length,
  };
}

test('what makes one kind of command fail stays a warning while others are accepted', () => {
  const { report, put } = open();
  put('answer', FORBIDDEN);
  put('hangup', ACCEPTED);
  expect(report.warnings()).toEqual([
    'the last answer failed, check TELNYX_API_KEY: HTTP 403, Telnyx 10010 not permitted',
  ]);
  put('answer', ACCEPTED);
  expect(report.warnings()).toEqual([]);
});

test('a setting is one error line a minute, whatever is accepted in between', () => {
  const { put, wait, errors } = open();
  for (let i = 0; i < 10; i += 1) {
    put('answer', FORBIDDEN);
    put('answer', ACCEPTED);
  }
  expect(errors()).toBe(1);
  wait(60_000);
  put('answer', FORBIDDEN);
  expect(errors()).toBe(2);
});
