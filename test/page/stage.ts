/**
 * The set-up for the page's tests: the whole service, the Telnyx simulator, and a thousand ended
 * calls in the store.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compose, type Service } from '../../src/compose.ts';
import { readConfig } from '../../src/config/config.ts';
import type { Environment } from '../../src/config/env-file.ts';
import type { Call, Ends, Verdict } from '../../src/core/machine/call.ts';
import { createLog } from '../../src/log/log.ts';
import { createSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { HOURLY_SUMS } from '../../src/store/contract/calls.ts';
import { openStore } from '../../src/store/open.ts';
import { aCall, anAttempt, anEntry, aUnit } from '../helpers/documents.ts';
import { eventually } from '../helpers/referee-process.ts';

export const TOKEN = 'page-test-token-of-many-characters';
/** Text with which a caller could try to break a page, a terminal or a reader. */
export const NASTY = '<img src=x onerror="window.broken=1">\u202e\u001b[31m';

export interface PageStage {
  service: Service;
  simulator: Simulator;
  url: string;
  routesDir: string;
  /** Path of the SQLite file. */
  databasePath: string;
  close(): Promise<void>;
}

export async function setPageStage({
  calls = 0,
  weekBefore = 0,
  environment = {},
}: {
  calls?: number;
  /** Calls of the same hours a week before. */
  weekBefore?: number;
  environment?: Environment;
} = {}): Promise<PageStage> {
  const folder = mkdtempSync(join(tmpdir(), 'referee-page-'));
  const routesDir = join(folder, 'routes');
  mkdirSync(routesDir);
  writeFileSync(join(routesDir, 'main.yaml'), ROUTES);
  writeFileSync(join(routesDir, 'lines.csv'), LINES);
  const path = join(folder, 'referee.db');
  if (calls > 0) await fill(path, calls, weekBefore);

  const simulator = createSimulator({ seed: 5 });
  const { apiUrl, publicKey } = await simulator.start();
  const env = {
    TELNYX_PUBLIC_KEY: publicKey,
    TELNYX_API_KEY: simulator.apiKey,
    TELNYX_API_URL: apiUrl,
    HOST: '127.0.0.1',
    PORT: '0',
    DATABASE_URL: `sqlite:${path}`,
    ROUTES_DIR: routesDir,
    ADMIN_TOKEN: TOKEN,
    ACCOUNT_CHECK_MINUTES: '0',
    DRAIN_DELAY_SECS: '0',
    ...environment,
  };
  const config = readConfig(env);
  const log = createLog({ level: 'silent', numbers: 'full', key: config.apiKey });
  const service = await compose(config, env, log);
  await service.ready;
  await eventually(async () => (await fetch(`${service.url}/health/ready`)).ok, 'ready');
  simulator.setWebhookUrl(`${service.url}/webhooks/telnyx`);
  return {
    service,
    simulator,
    url: service.url,
    routesDir,
    databasePath: path,
    async close() {
      await service.stop(0);
      await simulator.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The stored calls were decided by its first row. */
const LINES = `to,extension,site
+14155550160,201,headquarters
+1415555017*,202,warehouse
`;

export const ROUTES = `
tables:
  lines: { file: lines.csv, key: to }
lookups:
  crm: { url: "https://crm.example.com/customers/by-number/{from}?fields=tier", keep: ["$.tier"] }
targets:
  support-us: { sip: "sip:support@pbx-us.example.com", timeout: 20s }
  support-eu: { sip: "sip:support@pbx-eu.example.com", timeout: 20s }
  sales: { sip: "sip:sales@pbx-us.example.com" }
  night-desk: { sip: "sip:desk@pbx-old.example.com" }
schedules:
  office: { zone: America/New_York, open: ["mon-fri 00:00-24:00", "sat-sun 00:00-24:00"] }
lists:
  vip: ["+14155550101", "+14155550102"]
policy:
  allow: ["sip:*@*.example.com"]
rules:
  - name: blocked callers
    when: { from: "+1900*" }
    do: [ { reject: busy } ]
  - name: support
    when: { to: "+14155550100", schedule: office }
    do:
      - refer: support-us
      - refer: support-eu
      - say: Sorry, nobody can take your call right now.
      - hangup
  - name: sales
    when: { to: "+14155550120" }
    do: [ { refer: sales } ]
  - name: night desk
    when: { to: "+14155550130" }
    do: [ { refer: night-desk }, { refer: support-eu } ]
  - name: menu
    when: { to: "+14155550140" }
    do:
      - menu: { say: "For sales press 1.", digits: { "1": [ { refer: sales } ] }, timeout: 20s }
      - hangup
  - name: direct lines
    when: { table: lines }
    do: [ { refer: "sip:{row:extension}@{row:site}.example.com" } ]
  - name: gold
    when: { to: "+14155550180", lookup: { crm: { tier: gold } } }
    do: [ { refer: sales } ]
  - name: left alone
    when: { to: "+14155550111" }
    do: [ignore]
otherwise: [ { reject: declined } ]
`;

const WEEK_MS = 7 * 86_400_000;

/** Stores ended calls of the last hour, and older ones. */
async function fill(path: string, count: number, weekBefore: number): Promise<void> {
  const store = await openStore({ kind: 'sqlite', path });
  const now = Date.now();
  const times = (length: number, at: number) =>
    Array.from({ length }, (_, n) => at - n * 6_000 - 60_000);
  const calls = [...times(count, now), ...times(weekBefore, now - WEEK_MS)].map((at, n) =>
    endedCall(n, at),
  );
  await store.commit(
    calls.map((call) =>
      aUnit(call, 0, {
        events: [anEntry(`first-${call.id}`, { at: call.createdAt })],
        tally: new Map([[HOURLY_SUMS, { waits: call.createdAt }]]),
      }),
    ),
    null,
  );
  await store.close();
}

interface Kind {
  to: string;
  rule: string | null;
  ends: Ends;
  attempts: [string, Verdict, number][];
}

const KINDS: Kind[] = [
  {
    to: '+14155550100',
    rule: 'support',
    ends: 'referred',
    attempts: [['support-us', 'completed', 4_200]],
  },
  {
    to: '+14155550100',
    rule: 'support',
    ends: 'referred',
    attempts: [['support-us', 'completed', 6_100]],
  },
  {
    to: '+14155550100',
    rule: 'support',
    ends: 'referred',
    attempts: [
      ['support-us', 'busy', 1_900],
      ['support-eu', 'completed', 5_300],
    ],
  },
  {
    to: '+14155550120',
    rule: 'sales',
    ends: 'referred',
    attempts: [['sales', 'completed', 3_000]],
  },
  {
    to: '+14155550120',
    rule: 'sales',
    ends: 'unconfirmed',
    attempts: [['sales', 'no_verdict', 20_000]],
  },
  {
    to: '+14155550130',
    rule: 'night desk',
    ends: 'failed',
    attempts: [
      ['night-desk', 'not_found', 700],
      ['support-eu', 'no_answer', 20_000],
    ],
  },
  {
    to: '+14155550100',
    rule: 'support',
    ends: 'abandoned',
    attempts: [['support-us', 'abandoned', 900]],
  },
  { to: '+14155559999', rule: null, ends: 'rejected', attempts: [] },
];

/** The id of a call in the store, the newest first. */
export function seededId(n: number): string {
  return `v3:seeded-${n}-${'x'.repeat(80)}`;
}

function endedCall(n: number, createdAt: number): Call {
  const kind = KINDS[n % KINDS.length] as Kind;
  const id = seededId(n);
  let at = createdAt + 300;
  const attempts = kind.attempts.map(([target, verdict, took], index) => {
    const startedAt = at;
    at += took + 100;
    return anAttempt(`${id}-${index}`, {
      target,
      verdict,
      sipAddress: `sip:${target}@pbx.example.com`,
      startedAt,
      acceptedAt: startedAt + 60,
      endedAt: at,
      final: true,
      sipNotifyResponse: verdict === 'completed' ? 200 : null,
    });
  });
  return aCall(id, {
    createdAt,
    endedAt: at,
    phase: 'ended',
    ends: kind.ends,
    rule: kind.rule,
    rows: kind.rule === null ? [] : [{ table: 'lines', key: '+14155550160', of: 'to' }],
    decided: true,
    routeSet: 'seeded',
    attempts,
    facts: {
      from: `+1415556${String(n).padStart(4, '0')}`,
      to: kind.to,
      sessionId: `session-${n}`,
    },
  });
}
