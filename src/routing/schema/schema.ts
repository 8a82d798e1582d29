/**
 * The schema of a route file. `referee schema` prints it for editors, `decode.ts` walks the nodes
 * of a file by it, and the types below are derived from it. Anything that is not here is not
 * allowed.
 */
import Type, { type Static } from 'typebox';
import { HOW_TO_REACH } from './destination.ts';
import { example } from './example.ts';
import { guarantee } from './guarantee.ts';
import { type OnOff, onOff, schedule } from './schedule.ts';
import { STEP_DEFS, steps } from './steps.ts';
import { WHEN_DEFS, type WrittenWhen } from './when.ts';
import {
  duration,
  headerKey,
  LANGUAGE_TAG,
  language,
  languageTag,
  nameKey,
  number,
  oneOf,
  playUrl,
  record,
  reference,
  STRICT,
  spoken,
  text,
  via,
  voice,
  words,
} from './words.ts';

/** Accepts `off`, which is a string in YAML 1.2, and false. */
function rest(description: string) {
  return Type.Unsafe<OnOff>({ ...onOff, description });
}

const target = Type.Object(
  {
    ...HOW_TO_REACH,
    auth: Type.Optional(
      Type.Object(
        {
          username: text('user name', { examples: [`\${PBX_USER}`] }),
          password: text('reference, because secrets do not belong in a file', {
            description: `Only as \${NAME}: the variable is read when the request is made.`,
            pattern: '^\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}$',
            writeOnly: true,
            examples: [`\${PBX_PASSWORD}`],
          }),
        },
        { title: 'auth', ...STRICT },
      ),
    ),
    rest: Type.Optional(
      rest('Whether it is skipped for a while when it is down; default: as the policy says.'),
    ),
  },
  { title: 'target', ...STRICT },
);

const list = Type.Union([
  Type.Array(number, { title: 'numbers' }),
  Type.Object(
    {
      file: text('file under the routes folder', {
        description: 'One number or prefix* per line; # starts a comment.',
        examples: ['lists/blocked.txt'],
      }),
    },
    STRICT,
  ),
]);

const table = Type.Object(
  {
    file: text('CSV file under the routes folder', {
      description:
        'Comma-separated, UTF-8. Its first line names the columns; the keys are in the column named like `key`, or else in the first.',
      examples: ['tables/extensions.csv'],
    }),
    key: oneOf(
      'key',
      ['from', 'to'] as const,
      'Which number of a call is looked up. A key is exact, or a prefix with * at its end; the longest wins.',
    ),
  },
  { title: 'table', ...STRICT },
);

const lookup = Type.Object(
  {
    url: text('https address', {
      description:
        'Requested with GET. The path and the query may contain {from} {to} {from_user} {to_user} {call_session_id} {header:X-Name}, which are encoded.',
      examples: ['https://crm.example.com/who?n={from}'],
    }),
    timeout: Type.Optional(duration('The caller hears ringing meanwhile; at most 5s, default 1s.')),
    headers: Type.Optional(
      record(
        'headers of the request',
        headerKey('Authorization'),
        text('header value', {
          description: `Secrets only as \${NAME}: the variable is read when the request is made.`,
          examples: [`\${CRM_TOKEN}`],
        }),
      ),
    ),
    keep: Type.Array(text('path in the answer', { examples: ['$.tier', '$.agent'] }), {
      description: 'A field to keep of the JSON answer, named by its last key.',
      minItems: 1,
      maxItems: 20,
    }),
    cache: Type.Optional(
      duration(
        'How long an answer is reused for other calls with the same address; default: not at all.',
      ),
    ),
  },
  { title: 'lookup', ...STRICT },
);

const budget = (what: string) =>
  Type.Object(
    {
      per_call: Type.Optional(
        Type.Integer({ title: `${what} of one call`, minimum: 0, maximum: 1_000 }),
      ),
      per_hour: Type.Optional(
        Type.Integer({ title: `${what} an hour`, minimum: 0, maximum: 100_000 }),
      ),
      per_caller_per_hour: Type.Optional(
        Type.Integer({ title: `${what} of one caller an hour`, minimum: 0, maximum: 100_000 }),
      ),
    },
    { description: `Above it a step fails as rejected.`, minProperties: 1, ...STRICT },
  );

const policy = Type.Object(
  {
    voice: Type.Optional(voice),
    language: Type.Optional(language),
    zone: Type.Optional(
      text('IANA time zone', {
        description:
          'Time zone of the dates of rules; default: the zone of the schedules, otherwise UTC.',
        examples: ['Europe/Dublin'],
      }),
    ),
    country: Type.Optional(
      text('country', {
        description:
          'ISO code of the country whose national numbers route, searches and the page understand.',
        examples: ['DE'],
        maxLength: 10,
      }),
    ),
    patience: Type.Optional(duration('Time limit for all moving steps together; default 120s.')),
    while_moving: Type.Optional(
      Type.Union([Type.Object({ say: words }, STRICT), Type.Object({ play: playUrl }, STRICT)], {
        description: 'Repeated while the caller is being moved.',
      }),
    ),
    allow: Type.Optional(
      Type.Array(text('pattern', { examples: ['sip:*@*.example.com', '+1*'] }), {
        description:
          'Allowed destinations from placeholders, handlers and manual refers; default: none.',
      }),
    ),
    refers: Type.Optional(budget('REFERs')),
    transfers: Type.Optional(budget('transfers')),
    via: Type.Optional(
      Type.Object(
        {
          pstn: Type.Optional(via('Callers from the telephone network; default refer.')),
          sip: Type.Optional(via('Callers by SIP; default refer.')),
        },
        {
          description: 'How callers are moved, where neither the step nor its target says so.',
          minProperties: 1,
          ...STRICT,
        },
      ),
    ),
    rest: Type.Optional(rest('Whether targets that are down are skipped for a while; default on.')),
  },
  { title: 'policy', ...STRICT },
);

function ruleDate(description: string) {
  return text('date, or date, time and zone', {
    description,
    examples: ['2026-12-31', '2026-12-31T17:00:00+01:00'],
    maxLength: 40,
  });
}

const prompt = record(
  'words by language',
  { title: 'language', pattern: LANGUAGE_TAG, examples: ['de'] },
  Type.Union([
    spoken,
    Type.Object({ say: spoken, voice: Type.Optional(voice) }, STRICT),
    Type.Object({ play: playUrl }, STRICT),
  ]),
  {
    description:
      'A text, { say, voice } or { play } for each language; the first is for all others.',
    minProperties: 1,
  },
);

const rule = Type.Object(
  {
    name: text('name of the rule', { examples: ['support'], maxLength: 100 }),
    when: Type.Optional(reference<WrittenWhen>('when')),
    from: Type.Optional(ruleDate('The rule begins with this day or at this time.')),
    until: Type.Optional(ruleDate('The rule ends with this day (included) or at this time.')),
    language: Type.Optional(
      languageTag('The language of its callers: for its steps, the last resort and while_moving.'),
    ),
    do: Type.Optional(steps('What happens to the call.')),
    handler: Type.Optional(
      text('handler file', {
        description: 'A rule written in TypeScript, under the routes folder.',
        pattern: '^handlers/[A-Za-z0-9._-]+\\.ts$',
        examples: ['handlers/account-manager.ts'],
      }),
    ),
  },
  {
    title: 'rule',
    description: 'The first match from top to bottom is used. Either do or handler.',
    oneOf: [{ required: ['do'] }, { required: ['handler'] }],
    ...STRICT,
  },
);

const routeFileSchema = Type.Object(
  {
    $schema: Type.Optional(text('schema for editors')),
    targets: Type.Optional(
      record('targets', nameKey('target', 'support-us'), target, {
        description: 'Destinations that callers can be moved to.',
      }),
    ),
    lists: Type.Optional(
      record('lists', nameKey('list', 'vip'), list, {
        description: 'Numbers to match as list:name.',
      }),
    ),
    tables: Type.Optional(
      record('tables', nameKey('table', 'extensions'), table, {
        description: 'A row for each number, whose columns rules use as {row:column}.',
      }),
    ),
    schedules: Type.Optional(
      record('schedules', nameKey('schedule', 'office'), schedule, {
        description: 'Hours and holidays.',
      }),
    ),
    flows: Type.Optional(
      record('flows', nameKey('flow', 'after-hours'), steps('The steps of the flow.'), {
        description: 'Steps that several rules run, by name.',
      }),
    ),
    switches: Type.Optional(
      record('switches', nameKey('switch', 'main-site'), onOff, {
        description: 'Switches that operators turn on and off by hand, each with its default.',
      }),
    ),
    lookups: Type.Optional(
      record('lookups', nameKey('lookup', 'crm'), lookup, {
        description: 'Facts from a server of your own, asked before a rule decides.',
      }),
    ),
    numbers: Type.Optional(
      record(
        'numbers',
        {
          title: 'E.164 number',
          pattern: '^[+(0-9][0-9 ()./+-]{3,40}$',
          examples: ['+14155550100'],
        },
        text('label', { examples: ['Berlin main'], maxLength: 100 }),
        { description: 'Names for your numbers, shown on the page, in lists and in the log.' },
      ),
    ),
    prompts: Type.Optional(
      record('prompts', nameKey('prompt', 'welcome'), prompt, {
        description: 'Announcements in several languages, played with { say: { prompt: name } }.',
      }),
    ),
    policy: Type.Optional(policy),
    rules: Type.Optional(
      Type.Array(rule, { description: 'The first match from top to bottom is used.' }),
    ),
    otherwise: Type.Optional(steps('What happens if no rule matches; required once in the set.')),
    last_resort: Type.Optional(
      steps('What happens if every step has failed: only say, play, reject, hangup.'),
    ),
    guarantees: Type.Optional(
      Type.Array(guarantee, { description: 'What must hold on every path of the rules.' }),
    ),
    examples: Type.Optional(
      Type.Array(example, { description: 'Tests of the routes; check runs them.' }),
    ),
  },
  STRICT,
);

export type RouteFile = Static<typeof routeFileSchema>;
export type WrittenRule = Static<typeof rule>;
export type WrittenTarget = Static<typeof target>;
export type WrittenLookup = Static<typeof lookup>;
export type WrittenPolicy = Static<typeof policy>;
export type WrittenPrompt = Static<typeof prompt>;
export type WrittenList = Static<typeof list>;

/**
 * The JSON Schema of a route file, as in `routes/routes.schema.json` (draft 7, which every editor
 * supports).
 */
export const ROUTE_FILE_SCHEMA = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Referee route file',
  description:
    'Call routes: targets, lists, tables, schedules, switches, lookups, policy, rules, guarantees and examples.',
  ...routeFileSchema,
  $defs: { ...STEP_DEFS, ...WHEN_DEFS },
};

export function schemaText(): string {
  return `${JSON.stringify(ROUTE_FILE_SCHEMA, null, 2)}\n`;
}
