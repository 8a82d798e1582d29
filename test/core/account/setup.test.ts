/** Every row of a set-up's plan, its refusals, and its undo. */
import { describe, expect, test } from 'vitest';
import type { Application, PhoneNumber } from '../../../src/core/account/account.ts';
import type { Change } from '../../../src/core/account/change.ts';
import { planSetup, type SetupWish } from '../../../src/core/account/setup.ts';
import { planUndo } from '../../../src/core/account/undo.ts';

const URL_OURS = 'https://calls.example.com/webhooks/telnyx';
const URL_OTHER = 'https://old.example.com/webhooks/telnyx';

const app = (given: Partial<Application> = {}): Application => ({
  id: 'a1',
  name: 'Referee',
  active: true,
  webhookUrl: URL_OURS,
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
  connectionId: 'a1',
  connectionName: 'Referee',
  ...given,
});

const value = <T>(given: T) => ({ end: 'value' as const, value: given });
const denied = { end: 'denied' as const, status: 403 as const, why: 'HTTP 403' };
const silent = { end: 'unreachable' as const, why: 'no answer' };

const account = (applications: Application[], numbers: PhoneNumber[] = []) => ({
  applications: value(applications),
  numbers: value(numbers),
});

const wish = (given: Partial<SetupWish> = {}): SetupWish => ({
  webhookUrl: URL_OURS,
  application: null,
  numbers: [],
  take: false,
  ...given,
});

const update = (fields: [string, unknown, unknown][], given: object = {}) => ({
  type: 'update_application',
  id: 'a1',
  name: 'Referee',
  webhookUrl: URL_OURS,
  fields: fields.map(([field, before, after]) => ({ field, before, after })),
  ...given,
});

interface Row {
  name: string;
  applications?: Application[];
  numbers?: PhoneNumber[];
  wish?: Partial<SetupWish>;
  changes: unknown[];
}

const PLANS: Row[] = [
  { name: 'nothing, where all is as it should be', changes: [] },
  {
    name: 'a new application, where there is none',
    applications: [],
    changes: [{ type: 'create_application', id: null, name: 'Referee', webhookUrl: URL_OURS }],
  },
  {
    name: 'a new application of the name that was asked for',
    applications: [app({ id: 'a2', webhookUrl: URL_OTHER })],
    wish: { application: 'Second' },
    changes: [{ type: 'create_application', id: null, name: 'Second', webhookUrl: URL_OURS }],
  },
  {
    name: 'the API version',
    applications: [app({ apiVersion: '1' })],
    changes: [update([['webhook_api_version', '1', '2']])],
  },
  {
    name: 'all fields at once, in the order in which they are shown',
    applications: [
      app({ webhookUrl: URL_OTHER, apiVersion: '1', active: false, costInWebhooks: false }),
    ],
    wish: { application: 'Referee' },
    changes: [
      update([
        ['webhook_event_url', URL_OTHER, URL_OURS],
        ['webhook_api_version', '1', '2'],
        ['active', false, true],
        ['call_cost_in_webhooks', false, true],
      ]),
    ],
  },
  {
    name: 'an application found by its id, whatever its name',
    applications: [app({ name: 'x', active: false }), app({ id: 'a2', name: 'a1' })],
    wish: { application: 'a1' },
    changes: [update([['active', false, true]], { name: 'x' })],
  },
  {
    name: 'an application found by its name in other letters',
    applications: [app({ name: 'REFEREE', active: false })],
    wish: { application: 'referee' },
    changes: [update([['active', false, true]], { name: 'REFEREE' })],
  },
  {
    name: 'the one with exactly that name, of two that differ in upper case',
    applications: [app({ id: 'a2', name: 'REFEREE' }), app({ active: false })],
    wish: { application: 'Referee' },
    changes: [update([['active', false, true]])],
  },
  {
    name: 'nothing, for another spelling of the same URL',
    applications: [app({ webhookUrl: 'https://CALLS.example.com:443/webhooks/telnyx' })],
    changes: [],
  },
  {
    name: 'a number that nothing has',
    numbers: [number({ connectionId: null, connectionName: null })],
    wish: { numbers: ['+14155550100', '+14155550100'] },
    changes: [
      {
        type: 'assign_number',
        id: 'n1',
        number: '+14155550100',
        before: null,
        after: { id: 'a1', name: 'Referee' },
      },
    ],
  },
  {
    name: 'no number that is there already, and none that was not asked for',
    numbers: [number(), number({ id: 'n2', number: '+14155550111', connectionId: null })],
    wish: { numbers: ['+14155550100'] },
    changes: [],
  },
  {
    name: 'a number of another connection, with --take',
    numbers: [number({ connectionId: 'trunk', connectionName: 'old-pbx' })],
    wish: { numbers: ['+14155550100'], take: true },
    changes: [
      {
        type: 'assign_number',
        id: 'n1',
        number: '+14155550100',
        before: { id: 'trunk', name: 'old-pbx' },
        after: { id: 'a1', name: 'Referee' },
      },
    ],
  },
  {
    name: 'a number of an application that is yet to come, after it',
    applications: [],
    numbers: [number({ connectionId: null, connectionName: null })],
    wish: { numbers: ['+14155550100'] },
    changes: [
      expect.objectContaining({ type: 'create_application' }),
      expect.objectContaining({ after: { id: null, name: 'Referee' } }),
    ],
  },
];

test.each(PLANS)('the plan is $name', ({ applications = [app()], numbers = [], ...row }) => {
  const plan = planSetup(account(applications, numbers), wish(row.wish));
  expect(plan.type === 'plan' ? plan.changes : plan).toEqual(row.changes);
});

interface Refused extends Omit<Row, 'changes'> {
  says: string[];
}

const REFUSALS: Refused[] = [
  {
    name: 'two applications of that name',
    applications: [app(), app({ id: 'a2', webhookUrl: URL_OTHER })],
    wish: { application: 'Referee' },
    says: ['"Referee" (a1)', '"Referee" (a2)', '--app'],
  },
  {
    name: 'two applications with that URL',
    applications: [app(), app({ id: 'a2', name: 'Other' })],
    says: ['"Referee" (a1)', '"Other" (a2)', '--app'],
  },
  {
    name: 'a new name for a URL that another application has',
    applications: [app({ name: 'Production' })],
    wish: { application: 'Prodution' },
    says: ['"Prodution"', '"Production" (a1)', '--app a1'],
  },
  {
    name: 'an application of our name that leads elsewhere, unless it is named',
    applications: [app({ webhookUrl: URL_OTHER })],
    says: ['"Referee" (a1)', URL_OTHER, '--app a1'],
  },
  {
    name: 'a number that is not in the account',
    wish: { numbers: ['+14155550199'] },
    says: ['+14155550199', 'not a number of this account'],
  },
  {
    name: 'a number of another connection',
    numbers: [number({ connectionId: 'trunk', connectionName: 'old-pbx' })],
    wish: { numbers: ['+14155550100'] },
    says: ['+14155550100', 'trunk ("old-pbx")', '--take'],
  },
  {
    name: 'a number of another connection, for an application that is yet to come',
    applications: [],
    numbers: [number({ connectionId: 'trunk' })],
    wish: { numbers: ['+14155550100'] },
    says: ['--take'],
  },
];

test.each(REFUSALS)(
  'it refuses $name',
  ({ applications = [app()], numbers = [], says, ...row }) => {
    const plan = planSetup(account(applications, numbers), wish(row.wish));
    const problems = plan.type === 'refused' ? plan.problems : [];
    expect(problems).toHaveLength(1);
    const text = problems.map(({ message, fix }) => `${message} ${fix}`).join();
    for (const words of says) expect(text).toContain(words);
  },
);

test('all numbers that are wrong are reported at once', () => {
  const numbers = [number({ connectionId: 'trunk' })];
  const plan = planSetup(
    account([app()], numbers),
    wish({ numbers: ['+14155550100', '+14155550199'] }),
  );
  expect(plan).toMatchObject({ type: 'refused', problems: [{}, {}] });
});

test('what could not be read refuses, and only what is needed is', () => {
  const unread = { applications: denied, numbers: value([]) };
  expect(planSetup(unread, wish())).toMatchObject({
    type: 'refused',
    problems: [{ message: expect.stringContaining('the applications. HTTP 403') }],
  });
  const noNumbers = { applications: value([app()]), numbers: silent };
  expect(planSetup(noNumbers, wish())).toMatchObject({ type: 'plan', changes: [] });
  expect(planSetup(noNumbers, wish({ numbers: ['+14155550100'] }))).toMatchObject({
    type: 'refused',
    problems: [{ message: expect.stringContaining('the numbers. no answer') }],
  });
});

describe('an undo', () => {
  const changed = update([
    ['webhook_event_url', URL_OTHER, URL_OURS],
    ['webhook_api_version', '1', '2'],
  ]) as Change;
  const taken: Change = {
    type: 'assign_number',
    id: 'n1',
    number: '+14155550100',
    before: { id: 'trunk', name: 'old-pbx' },
    after: { id: 'a1', name: 'Referee' },
  };

  test('puts back what is as the set-up left it, the number first', () => {
    const plan = planUndo(account([app()], [number()]), [changed, taken]);
    expect(plan).toEqual({
      type: 'plan',
      changes: [
        {
          ...taken,
          before: { id: 'a1', name: 'Referee' },
          after: { id: 'trunk', name: 'old-pbx' },
        },
        update(
          [
            ['webhook_event_url', URL_OURS, URL_OTHER],
            ['webhook_api_version', '2', '1'],
          ],
          { webhookUrl: URL_OTHER },
        ),
      ],
      kept: [],
    });
  });

  test('has nothing to do where it was done, or where the set-up ended before', () => {
    const before = account(
      [app({ webhookUrl: URL_OTHER, apiVersion: '1' })],
      [number({ connectionId: 'trunk' })],
    );
    expect(planUndo(before, [changed, taken])).toEqual({ type: 'plan', changes: [], kept: [] });
  });

  test('leaves what somebody changed since, and says so', () => {
    const since = account(
      [app({ webhookUrl: 'https://third.example.com/' })],
      [number({ connectionId: 'a3' })],
    );
    const plan = planUndo(since, [changed, taken]);
    expect(plan).toMatchObject({
      changes: [
        {
          // The URL in every write is the existing one.
          webhookUrl: 'https://third.example.com/',
          fields: [{ field: 'webhook_api_version', before: '2', after: '1' }],
        },
      ],
      kept: [
        expect.stringContaining('+14155550100 stays with a3'),
        expect.stringContaining('webhook_event_url of "Referee" stays'),
      ],
    });
  });

  test.each([null, 'a1'])('never deletes the application it created (id %s)', (id) => {
    const created: Change = {
      type: 'create_application',
      id,
      name: 'Referee',
      webhookUrl: URL_OURS,
    };
    expect(planUndo(account([app()]), [created])).toMatchObject({
      changes: [],
      kept: [
        expect.stringMatching(/"Referee" \(a1\) stays: nothing is deleted\. Without a number/),
      ],
    });
    const numbers = [number(), number({ id: 'n2' })];
    const plan = planUndo(account([app()], numbers), [created, taken]);
    expect(plan).toMatchObject({ kept: [expect.stringContaining('did not assign: 1.')] });
    expect(planUndo(account([]), [created])).toMatchObject({ changes: [], kept: [] });
  });

  test.each([null, 'a1'])('puts back a number that went to the new application (id %s)', (id) => {
    const created: Change = {
      type: 'create_application',
      id,
      name: 'Referee',
      webhookUrl: URL_OURS,
    };
    // The plan that is written to the file knows no id for the application that it creates.
    const planned: Change = { ...taken, after: { id: null, name: 'Referee' } };
    expect(planUndo(account([app()], [number()]), [created, planned])).toMatchObject({
      changes: [{ number: '+14155550100', before: { id: 'a1' }, after: { id: 'trunk' } }],
      kept: [expect.stringContaining('Without a number it takes no calls')],
    });
    // The set-up ended before the number was assigned, or before the application was created.
    const elsewhere = [number({ connectionId: 'trunk' })];
    const early = planUndo(account([app()], elsewhere), [created, planned]);
    expect(early).toMatchObject({ changes: [] });
    const none = planUndo(account([], [number()]), [created, planned]);
    expect(none).toMatchObject({ changes: [], kept: [] });
  });

  test('says what is gone meanwhile, and refuses an account that it cannot read', () => {
    expect(planUndo(account([]), [changed, taken])).toMatchObject({
      changes: [],
      kept: [
        expect.stringContaining('+14155550100 is not in this account'),
        expect.stringContaining('"Referee" (a1) is not in this account'),
      ],
    });
    const unread = { applications: silent, numbers: denied };
    expect(planUndo(unread, [taken])).toMatchObject({ type: 'refused', problems: [{}, {}] });
  });
});
