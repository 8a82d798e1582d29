/**
 * Each case of docs/refer.md: the page's own routes in the real server, and a far end in the
 * simulator that behaves as the page says. If the far end is silent, the timeouts are shortened;
 * nothing else is changed.
 */
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { destination } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serverAt } from '../../src/cli/sources/server.ts';
import { documentsOf } from '../../src/cli/sources/server-documents.ts';
import { compose } from '../../src/compose.ts';
import { readConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/log/log.ts';
import type { CallScript, FarEnd } from '../../src/simulator/script.ts';
import { createSimulator } from '../../src/simulator/simulator.ts';
import { waitFor } from '../helpers/waiting.ts';

const TEXT = readFileSync(join(import.meta.dirname, '../../docs/refer.md'), 'utf8');
const ADMIN_TOKEN = 'a-token-of-at-least-24-characters';
const NUMBER = '+14155550199';

interface Case {
  farEnd: string;
  refers: CallScript['refers'] & {};
  ends: string;
  attempts: [target: string, verdict: string][];
  fate: 'moved' | 'released';
}

const quiet = (result: FarEnd['result']): FarEnd => ({ result, progress: [] });
const ringing = (result: FarEnd['result']): FarEnd => ({ result, progress: [100, 180] });
const bridged: [string, string] = [NUMBER, 'completed'];
const LET_GO = { ends: 'hung_up', fate: 'released' } as const;
const BRIDGED = { ends: 'transferred', fate: 'moved' } as const;
const ARRIVED = { ends: 'referred', fate: 'moved' } as const;

const CASES: Record<number, Case[]> = {
  1: [
    {
      ...{ farEnd: 'FreeSWITCH says 200 at once', refers: { ...quiet('completed'), ringMs: 5 } },
      ...{ ...ARRIVED, attempts: [['pbx', 'completed']] },
    },
  ],
  2: [
    {
      ...{ farEnd: 'Asterisk says 503 where nobody answered', refers: ringing(503) },
      ...{ ...LET_GO, attempts: [['asterisk', 'server_error']] },
    },
    {
      ...{ farEnd: 'Asterisk says busy', refers: ringing(486) },
      ...{ ...LET_GO, attempts: [['asterisk', 'busy']] },
    },
    {
      ...{ farEnd: 'Asterisk says answered', refers: ringing(200) },
      ...{ ...ARRIVED, attempts: [['asterisk', 'completed']] },
    },
    {
      ...{ farEnd: 'Asterisk has no such extension', refers: { result: 404, progress: [100] } },
      ...{ ...BRIDGED, attempts: [['asterisk', 'not_found'], bridged] },
    },
  ],
  3: [
    {
      ...{ farEnd: 'Oracle tells only that it was answered', refers: quiet(200) },
      ...{ ...ARRIVED, attempts: [['sbc', 'completed']] },
    },
    {
      farEnd: 'FreeSWITCH, confirming, tells only that it was busy, and has the caller back',
      refers: { support: quiet(486), second: quiet(200) },
      ...ARRIVED,
      attempts: [
        ['sbc', 'busy'],
        ['second', 'completed'],
      ],
    },
    {
      ...{ farEnd: 'it rings for longer than the timeout', refers: 'silent' },
      ...{ ...LET_GO, attempts: [['sbc', 'no_verdict']] },
    },
  ],
  4: [
    {
      ...{ farEnd: 'jambonz takes the caller and hangs up', refers: 'bye' },
      ...{ ...ARRIVED, attempts: [['b2bua', 'completed']] },
    },
    {
      ...{ farEnd: 'OpenSIPS takes the REFER and says nothing', refers: 'silent' },
      ...{ ...LET_GO, attempts: [['b2bua', 'no_verdict']] },
    },
    {
      ...{ farEnd: 'jambonz without referHook answers 501', refers: quiet(501) },
      ...{
        ...BRIDGED,
        attempts: [
          ['b2bua', 'not_allowed'],
          ['b2bua', 'completed'],
        ],
      },
    },
  ],
  5: [
    ...[603, 501, 420, 481, 401, 403, 405].map(
      (status): Case => ({
        ...{ farEnd: `the REFER is answered ${status}`, refers: quiet(status) },
        ...{ ...BRIDGED, attempts: [['trunk', 'not_allowed'], bridged] },
      }),
    ),
    {
      ...{ farEnd: 'Telnyx does not tell of the refusal', refers: 'silent' },
      ...{ ...BRIDGED, attempts: [['trunk', 'no_verdict'], bridged] },
    },
    {
      ...{ farEnd: 'the phone rang and was declined with 603', refers: ringing(603) },
      ...{ ...LET_GO, attempts: [['trunk', 'declined']] },
    },
    {
      ...{ farEnd: 'the phone is busy', refers: ringing(486) },
      ...{ ...LET_GO, attempts: [['trunk', 'busy']] },
    },
  ],
};

/** A server for each case, with the page's routes. If the far end is silent, timeouts are short. */
const stages = new Map<string, Promise<Stage>>();
const textFor = (routes: string, { refers }: Case) =>
  refers === 'silent' ? routes.replace(/timeout: \d+s/g, 'timeout: 1s') : routes;

// All of them before the first call: a start holds the event loop up that they share.
beforeAll(async () => {
  for (const [number, cases] of Object.entries(CASES)) {
    const { routes } = section(Number(number));
    for (const text of new Set(cases.map((each) => textFor(routes, each)))) {
      stages.set(text, setStage(text));
    }
  }
  await Promise.all(stages.values());
});
afterAll(async () => {
  for (const stage of stages.values()) await (await stage).close();
});

for (const [number, cases] of Object.entries(CASES)) {
  const { title, routes } = section(Number(number));

  describe.concurrent(title, () => {
    test.each(cases.map((each) => [each.farEnd, each] as const))('%s', async (_farEnd, each) => {
      const stage = await stages.get(textFor(routes, each));
      if (stage === undefined) throw new Error(`no server for case ${number}`);
      const call = stage.simulator.placeCall({ to: '+14155550100', refers: each.refers });
      await call.ended;
      await waitFor(async () =>
        expect(await stage.api.call(call.callControlId)).toMatchObject({
          phase: 'ended',
          ends: each.ends,
        }),
      );
      const told = await stage.api.call(call.callControlId);
      const attempts = told?.attempts.map(({ target, sip_address, verdict }) => [
        target ?? sip_address,
        verdict,
      ]);
      expect(attempts).toEqual(each.attempts);
      expect(call.book.fate).toBe(each.fate);
      expect(call.book.moved).toHaveLength(each.fate === 'moved' ? 1 : 0);
    });
  });
}

test('every case that the page numbers is played, and every link on it leads somewhere', () => {
  const numbered = [...TEXT.matchAll(/^## (\d)\. /gm)].map(([, number]) => number);
  expect(Object.keys(CASES)).toEqual(numbered);
  const anchors = [...TEXT.matchAll(/^## (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  );
  for (const [, anchor] of TEXT.matchAll(/\]\(#([^)]+)\)/g)) expect(anchors).toContain(anchor);
});

function section(number: number): { title: string; routes: string } {
  const text = TEXT.split(/^## /m).find((each) => each.startsWith(`${number}. `)) ?? '';
  const routes = /^```yaml\n([\s\S]*?)^```$/m.exec(text)?.[1];
  if (routes === undefined) throw new Error(`docs/refer.md has no routes for case ${number}`);
  return { title: text.split('\n')[0] ?? '', routes };
}

type Stage = Awaited<ReturnType<typeof setStage>>;

async function setStage(routes: string) {
  const folder = await mkdtemp(join(tmpdir(), 'referee-refer-'));
  await mkdir(join(folder, 'routes'));
  await writeFile(join(folder, 'routes/main.yaml'), routes);
  const simulator = createSimulator({ seed: 1, timeScale: 0.2 });
  const { apiUrl, publicKey } = await simulator.start();
  const env = {
    TELNYX_PUBLIC_KEY: publicKey,
    TELNYX_API_KEY: simulator.apiKey,
    TELNYX_API_URL: apiUrl,
    HOST: '127.0.0.1',
    PORT: '0',
    DATABASE_URL: `sqlite:${join(folder, 'referee.db')}`,
    ROUTES_DIR: join(folder, 'routes'),
    ADMIN_TOKEN,
    DRAIN_DELAY_SECS: '0',
  };
  const config = readConfig(env);
  const log = createLog({
    level: config.logLevel,
    numbers: config.logNumbers,
    key: config.apiKey,
    secrets: [ADMIN_TOKEN],
    destination: destination({ dest: join(folder, 'server.log'), sync: true }),
  });
  const service = await compose(config, env, log);
  await service.ready;
  simulator.setWebhookUrl(`${service.url}/webhooks/telnyx`);
  return {
    simulator,
    api: documentsOf(serverAt({ url: service.url, token: ADMIN_TOKEN, namedBy: 'the test' })),
    async close() {
      await service.stop(0);
      await simulator.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
