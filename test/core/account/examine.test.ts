/** Every row in the table of checks, and each boundary. */
import { describe, expect, test } from 'vitest';
import type {
  Account,
  Application,
  Delivery,
  NumberVoice,
  PhoneNumber,
  VoiceProfile,
} from '../../../src/core/account/account.ts';
import { CHECKS, examine } from '../../../src/core/account/examine.ts';
import type { AccountSettings, CheckName, Finding } from '../../../src/core/account/finding.ts';
import type { RouteFacts } from '../../../src/core/account/route-facts.ts';

const NOW = Date.parse('2026-06-01T12:00:00Z');
const ID = '1684641123236054244';
const URL_OK = 'https://pbx.example.com/webhooks/telnyx';
const KEY = 'a'.repeat(43).concat('=');

const value = <T>(given: T) => ({ end: 'value' as const, value: given });
const denied = { end: 'denied' as const, status: 403 as const, why: 'HTTP 403' };
const refused = { end: 'denied' as const, status: 401 as const, why: 'HTTP 401' };
const missing = { end: 'missing' as const, why: 'HTTP 404' };
const silent = { end: 'unreachable' as const, why: 'no answer' };

const app = (given: Partial<Application> = {}): Application => ({
  id: ID,
  name: 'Referee',
  active: true,
  webhookUrl: URL_OK,
  failoverUrl: null,
  apiVersion: '2',
  webhookTimeoutSecs: null,
  firstCommandTimeout: false,
  firstCommandTimeoutSecs: 30,
  costInWebhooks: true,
  shakenStir: true,
  profileId: 'p1',
  ...given,
});

const number = (given: Partial<PhoneNumber> = {}): PhoneNumber => ({
  id: 'n1',
  number: '+14155550100',
  status: 'active',
  connectionId: ID,
  connectionName: 'Referee',
  ...given,
});

const voice = (given: Partial<NumberVoice> = {}): NumberVoice => ({
  forwardsTo: null,
  forwarding: null,
  translatedNumber: null,
  ...given,
});

const profile = (given: Partial<VoiceProfile> = {}): VoiceProfile => ({
  id: 'p1',
  name: 'default',
  enabled: true,
  destinations: ['US'],
  dailySpendLimit: null,
  concurrentCallLimit: null,
  ...given,
});

const delivery = (given: Partial<Delivery> = {}): Delivery => ({
  id: 'd1',
  failed: false,
  startedAt: NOW - 60_000,
  finishedAt: NOW - 60_000,
  eventType: 'call.initiated',
  connectionId: ID,
  attempts: [],
  webhook: {},
  ...given,
});

const failedAt = (at: number, connectionId: string | null = ID): Delivery =>
  delivery({
    failed: true,
    finishedAt: at,
    connectionId,
    attempts: [
      {
        delivered: false,
        startedAt: at,
        timestamp: null,
        errors: [{ code: '75599', words: 'answered with another 5xx' }],
        url: URL_OK,
        response: { status: 503, body: '{"status":"not ready"}' },
      },
    ],
  });

const routes = (given: Partial<RouteFacts> = {}): RouteFacts => ({
  couldMatch: () => true,
  inExamples: new Set(),
  named: new Map(),
  attestationRule: null,
  transfers: new Map(),
  ...given,
});

const sound: Account = {
  clockOffMs: value(0),
  balance: value({ balance: '300.00', availableCredit: '300.00', currency: 'USD' }),
  publicKey: value(KEY),
  applications: value([app()]),
  numbers: value([number()]),
  voices: value(new Map([['n1', voice()]])),
  profiles: new Map([['p1', value(profile())]]),
  deliveries: value([delivery()]),
  reached: new Map([[URL_OK, { end: 'answered', status: 200, warnings: [] }]]),
};

const settled: AccountSettings = {
  publicKeys: [KEY],
  connectionIds: null,
  store: 'sqlite',
  url: null,
};

interface Given {
  account?: Partial<Account>;
  routes?: Partial<RouteFacts> | null;
  settings?: Partial<AccountSettings>;
}

function look(check: CheckName, { account, routes: facts, settings }: Given): Finding[] {
  return CHECKS[check]({
    account: { ...sound, ...account },
    routes: facts === null ? null : routes(facts),
    settings: { ...settled, ...settings },
    now: NOW,
  });
}

type Status = Finding['status'];
const with1 = (given: Partial<Application>): Given => ({
  account: { applications: value([app(given)]) },
});
const withProfile = (given: Partial<VoiceProfile>): Given => ({
  account: { profiles: new Map([['p1', value(profile(given))]]) },
  routes: { transfers: new Map([['+14155550199', 'office']]) },
});
const balanced = (availableCredit: string | null, balance: string | null = '0'): Given => ({
  account: { balance: value({ balance, availableCredit, currency: 'EUR' }) },
});
const everything = (reading: typeof denied | typeof refused | typeof silent): Given => ({
  account: {
    clockOffMs: silent,
    balance: reading,
    publicKey: reading,
    applications: reading,
    numbers: reading,
    voices: reading,
    deliveries: reading,
  },
});

const TABLE: [CheckName, string, Given, Status[]][] = [
  ['api_key', 'a key that reads', {}, ['ok']],
  ['api_key', 'a key that Telnyx does not know', everything(refused), ['problem']],
  ['api_key', 'one 401 among values', { account: { balance: refused } }, ['problem']],
  ['api_key', 'a key that may read nothing', everything(denied), ['problem']],
  [
    'api_key',
    'a key without permission for one endpoint',
    { account: { balance: denied } },
    ['ok'],
  ],
  ['api_key', 'no network', everything(silent), ['unknown']],

  ['clock', 'agrees', {}, ['ok']],
  ['clock', '30 s', { account: { clockOffMs: value(30_000) } }, ['ok']],
  ['clock', 'over 30 s', { account: { clockOffMs: value(30_001) } }, ['warning']],
  ['clock', '300 s behind', { account: { clockOffMs: value(-300_000) } }, ['warning']],
  ['clock', 'over 300 s behind', { account: { clockOffMs: value(-300_001) } }, ['problem']],
  ['clock', 'no answer', { account: { clockOffMs: silent } }, ['unknown']],

  ['balance', 'enough', balanced('10'), ['ok']],
  ['balance', 'under ten', balanced('9.99'), ['warning']],
  ['balance', 'nothing', balanced('0.00', '25'), ['problem']],
  ['balance', 'a debt', balanced('-1.50'), ['problem']],
  ['balance', 'no credit named, but a balance', balanced(null, '300'), ['ok']],
  ['balance', 'neither', balanced(null, null), ['unknown']],
  ['balance', 'not permitted', { account: { balance: denied } }, ['unknown']],

  ['public_key', 'ours', {}, ['ok']],
  ['public_key', 'one of several', { settings: { publicKeys: ['other', KEY] } }, ['ok']],
  ['public_key', 'another', { settings: { publicKeys: ['other'] } }, ['problem']],
  ['public_key', 'not served', { account: { publicKey: missing } }, ['unknown']],
  ['public_key', 'unreadable', { account: { publicKey: silent } }, ['unknown']],

  ['application', 'active', {}, ['ok']],
  ['application', 'inactive', with1({ active: false }), ['problem']],
  ['application', 'named and there', { settings: { connectionIds: new Set([ID]) } }, ['ok']],
  [
    'application',
    'one of two named is none',
    { settings: { connectionIds: new Set([ID, '7']) } },
    ['ok', 'problem'],
  ],
  ['application', 'none ends at us', with1({ webhookUrl: 'https://x.example/hook' }), ['problem']],
  ['application', 'unread', { account: { applications: denied } }, ['unknown']],

  ['api_version', 'two', {}, ['ok']],
  ['api_version', 'one', with1({ apiVersion: '1' }), ['problem']],
  ['api_version', 'no application', { account: { applications: value([]) } }, ['unknown']],
  ['api_version', 'unread', { account: { applications: silent } }, ['unknown']],

  ['webhook_url', 'https and our path', {}, ['ok']],
  [
    'webhook_url',
    'http',
    with1({ webhookUrl: 'http://pbx.example.com/webhooks/telnyx' }),
    ['problem'],
  ],
  [
    'webhook_url',
    'http on loopback',
    with1({ webhookUrl: 'http://127.0.0.1:3000/webhooks/telnyx' }),
    ['ok'],
  ],
  [
    'webhook_url',
    'another path',
    {
      ...with1({ webhookUrl: 'https://x.example/hook' }),
      settings: { connectionIds: new Set([ID]) },
    },
    ['problem'],
  ],
  [
    'webhook_url',
    'none at all',
    { ...with1({ webhookUrl: null }), settings: { connectionIds: new Set([ID]) } },
    ['problem'],
  ],
  ['webhook_url', 'as asked', { settings: { url: 'https://pbx.example.com/' } }, ['ok']],
  ['webhook_url', 'as asked, in full', { settings: { url: URL_OK } }, ['ok']],
  [
    'webhook_url',
    'another address',
    { settings: { url: 'https://other.example.com' } },
    ['problem'],
  ],
  ['webhook_url', 'no failover with PostgreSQL', { settings: { store: 'postgres' } }, ['warning']],
  [
    'webhook_url',
    'failover with PostgreSQL',
    {
      ...with1({ failoverUrl: 'https://b.example/webhooks/telnyx' }),
      settings: { store: 'postgres' },
    },
    ['ok'],
  ],
  [
    'webhook_url',
    'failover with SQLite',
    with1({ failoverUrl: 'https://b.example/webhooks/telnyx' }),
    ['warning'],
  ],

  ['reachable', 'ready', {}, ['ok']],
  [
    'reachable',
    'ready with warnings',
    {
      account: { reached: new Map([[URL_OK, { end: 'answered', status: 200, warnings: ['w'] }]]) },
    },
    ['warning'],
  ],
  [
    'reachable',
    'not ready',
    { account: { reached: new Map([[URL_OK, { end: 'answered', status: 503, warnings: [] }]]) } },
    ['problem'],
  ],
  [
    'reachable',
    'silent',
    { account: { reached: new Map([[URL_OK, { end: 'silent', why: 'ECONNREFUSED' }]]) } },
    ['problem'],
  ],
  ['reachable', 'not asked', { account: { reached: new Map() } }, ['unknown']],

  ['timeouts', "Telnyx's own", {}, ['ok']],
  ['timeouts', '2 s', with1({ webhookTimeoutSecs: 2 }), ['ok']],
  ['timeouts', 'under 2 s', with1({ webhookTimeoutSecs: 1 }), ['problem']],
  ['timeouts', 'no time', with1({ webhookTimeoutSecs: 0 }), ['problem']],
  [
    'timeouts',
    'first command in 15 s',
    with1({ firstCommandTimeout: true, firstCommandTimeoutSecs: 15 }),
    ['ok'],
  ],
  [
    'timeouts',
    'first command in 14 s',
    with1({ firstCommandTimeout: true, firstCommandTimeoutSecs: 14 }),
    ['problem'],
  ],
  ['timeouts', 'off, however short', with1({ firstCommandTimeoutSecs: 5 }), ['ok']],

  ['deliveries', 'none failed', {}, ['ok']],
  ['deliveries', 'nothing delivered', { account: { deliveries: value([]) } }, ['ok']],
  [
    'deliveries',
    'failed an hour ago',
    { account: { deliveries: value([failedAt(NOW - 3_600_000)]) } },
    ['problem'],
  ],
  [
    'deliveries',
    'failed before that',
    { account: { deliveries: value([failedAt(NOW - 3_600_001)]) } },
    ['warning'],
  ],
  [
    'deliveries',
    "another application's failed",
    { account: { deliveries: value([failedAt(NOW, '7')]) } },
    ['ok'],
  ],
  ['deliveries', 'unread', { account: { deliveries: denied } }, ['unknown']],

  ['numbers', 'assigned and active', {}, ['ok']],
  [
    'numbers',
    'none assigned',
    { account: { numbers: value([number({ connectionId: '7' })]) } },
    ['problem'],
  ],
  [
    'numbers',
    'odd states',
    {
      account: {
        numbers: value([
          number({ status: 'port-pending' }),
          number({ status: 'emergency-only' }),
          number({ status: 'new-state' }),
        ]),
      },
    },
    ['problem', 'problem', 'problem'],
  ],
  [
    'numbers',
    'forwarded always',
    {
      account: {
        voices: value(
          new Map([['n1', voice({ forwarding: 'always', forwardsTo: '+14155550199' })]]),
        ),
      },
    },
    ['problem'],
  ],
  [
    'numbers',
    'forwarded on failure',
    {
      account: {
        voices: value(
          new Map([['n1', voice({ forwarding: 'on-failure', forwardsTo: '+14155550199' })]]),
        ),
      },
    },
    ['ok'],
  ],
  ['numbers', 'forwarding unread', { account: { voices: denied } }, ['ok', 'unknown']],
  ['numbers', 'unread', { account: { numbers: denied } }, ['unknown']],
  [
    'numbers',
    'applications unread, but named in the settings',
    { account: { applications: denied }, settings: { connectionIds: new Set([ID]) } },
    ['ok'],
  ],
  ['numbers', 'applications unread', { account: { applications: denied } }, ['unknown']],

  ['unrouted', 'a rule', {}, ['ok']],
  ['unrouted', 'no rule', { routes: { couldMatch: () => false } }, ['warning']],
  [
    'unrouted',
    'no rule but an example',
    { routes: { couldMatch: () => false, inExamples: new Set(['+14155550100']) } },
    ['ok'],
  ],
  [
    'unrouted',
    'a rule for what the number is rewritten to',
    {
      account: { voices: value(new Map([['n1', voice({ translatedNumber: '100' })]])) },
      routes: { couldMatch: (to) => to === '100' },
    },
    ['ok'],
  ],
  [
    'unrouted',
    'a rule for calls over another connection',
    { routes: { couldMatch: (_, connectionId) => connectionId !== ID } },
    ['warning'],
  ],
  ['unrouted', 'no routes', { routes: null }, ['unknown']],

  ['foreign', 'nothing named', {}, ['ok']],
  ['foreign', 'ours', { routes: { named: new Map([['+14155550100', 'r']]) } }, ['ok']],
  [
    'foreign',
    'on another connection',
    {
      account: { numbers: value([number({ connectionId: '7', connectionName: 'trunk' })]) },
      routes: { named: new Map([['+14155550100', 'r']]) },
    },
    ['problem'],
  ],
  [
    'foreign',
    'on no connection',
    {
      account: { numbers: value([number({ connectionId: null })]) },
      routes: { named: new Map([['+14155550100', 'r']]) },
    },
    ['warning'],
  ],
  [
    'foreign',
    'not in the account',
    { routes: { named: new Map([['+4930901820', 'r']]) } },
    ['warning'],
  ],
  ['foreign', 'no routes', { routes: null }, ['unknown']],

  ['attestation', 'not asked for', with1({ shakenStir: false }), ['ok']],
  ['attestation', 'asked for and passed on', { routes: { attestationRule: 'r' } }, ['ok']],
  [
    'attestation',
    'asked for and not passed on',
    { ...with1({ shakenStir: false }), routes: { attestationRule: 'r' } },
    ['problem'],
  ],

  ['transfer', 'none', with1({ profileId: null }), ['ok']],
  ['transfer', 'allowed', withProfile({}), ['ok']],
  ['transfer', 'no profile', { ...withProfile({}), ...with1({ profileId: null }) }, ['problem']],
  ['transfer', 'profile off', withProfile({ enabled: false }), ['problem']],
  ['transfer', 'country not allowed', withProfile({ destinations: ['DE'] }), ['problem']],
  ['transfer', 'countries unknown', withProfile({ destinations: null }), ['ok']],
  ['transfer', 'spend of 10', withProfile({ dailySpendLimit: '10.00' }), ['ok']],
  ['transfer', 'spend under 10', withProfile({ dailySpendLimit: '9.99' }), ['warning']],
  ['transfer', 'ten calls at a time', withProfile({ concurrentCallLimit: 10 }), ['ok']],
  ['transfer', 'nine calls at a time', withProfile({ concurrentCallLimit: 9 }), ['warning']],
  [
    'transfer',
    'profile unread',
    { ...withProfile({}), account: { profiles: new Map([['p1', denied]]) } },
    ['unknown'],
  ],

  ['cost', 'on', {}, ['ok']],
  ['cost', 'off', with1({ costInWebhooks: false }), ['warning']],
];

describe('the checks', () => {
  test.each(TABLE)('%s: %s', (check, _what, given, statuses) => {
    const findings = look(check, given);
    expect(findings.map(({ status }) => status)).toEqual(statuses);
    for (const finding of findings) {
      expect(finding.check).toBe(check);
      expect(finding.message).toMatch(/\S/);
      if (finding.status === 'problem' || finding.status === 'warning') {
        expect(finding.fix, 'a fix').not.toBeNull();
      }
    }
  });

  test('each of them has rows in the table', () => {
    expect(new Set(TABLE.map(([check]) => check))).toEqual(new Set(Object.keys(CHECKS)));
  });

  test('of a sound account are all ok, in the order of the table', () => {
    const findings = examine({ account: sound, routes: routes(), settings: settled, now: NOW });
    expect(findings.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(findings.map(({ check }) => check)).toEqual(Object.keys(CHECKS));
    expect(findings.every(({ fix }) => fix === null)).toBe(true);
  });
});

describe('a finding', () => {
  test('names what it is about: an application or a number', () => {
    expect(look('api_version', with1({ apiVersion: '1' }))[0]?.about).toBe(ID);
    const inactive = { account: { numbers: value([number({ status: 'deleted' })]) } };
    expect(look('numbers', inactive)[0]).toMatchObject({ about: '+14155550100' });
    expect(look('balance', {})[0]?.about).toBeNull();
  });

  test('of failed deliveries has their error codes in words and what our server answered', () => {
    const [finding] = look('deliveries', { account: { deliveries: value([failedAt(NOW)]) } });
    expect(finding?.message).toContain('75599 answered with another 5xx (1)');
    expect(finding?.message).toContain('The server answered 503: {"status":"not ready"}');
  });

  test('of a key that is not ours gives the line to set', () => {
    const [finding] = look('public_key', { settings: { publicKeys: [] } });
    expect(finding?.fix).toContain(`TELNYX_PUBLIC_KEY=${KEY}`);
  });

  test('of thousands of numbers that are wrong alike is fifty and a count', () => {
    const many = Array.from({ length: 3_000 }, (_, index) =>
      number({ id: String(index), number: `+1415${2_000_000 + index}`, status: 'port-pending' }),
    );
    const findings = look('numbers', { account: { numbers: value(many) } });
    expect(findings).toHaveLength(51);
    expect(findings.at(-1)?.message).toContain('2,950 more numbers');
  });

  test('of one number more than are named is in the singular', () => {
    const many = Array.from({ length: 51 }, (_, index) =>
      number({ id: String(index), number: `+1415${2_000_000 + index}`, status: 'port-pending' }),
    );
    const findings = look('numbers', { account: { numbers: value(many) } });
    expect(findings.at(-1)?.message).toBe('1 more number is not active.');
  });

  test('of a transfer names each country once', () => {
    const transfers = new Map([
      ['+4930901820', 'berlin'],
      ['+4989123456', 'munich'],
      ['+33142685300', 'paris'],
    ]);
    const findings = look('transfer', { routes: { transfers } });
    expect(findings.map(({ message }) => /allow (\w+)/.exec(message)?.[1])).toEqual(['DE', 'FR']);
  });
});
