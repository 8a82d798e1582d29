/**
 * The one schema of a route file. `referee schema` prints it for editors, `decode.ts` walks a file's
 * nodes by it, and the types below follow from it: a word that is not here does not exist.
 */
import Type, { type Static, type TSchema } from 'typebox';

export const DURATION = '^[0-9]{1,9}(ms|s|m|h)$';
const NAME = '^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,63}$';
const EVENTS = ['call.initiated', 'call.answered', 'call.dtmf.received'] as const;
export const FAILED_VERDICTS = [
  'busy',
  'no_answer',
  'declined',
  'not_found',
  'not_allowed',
  'server_error',
  'other',
  'rejected',
  'no_verdict',
] as const;
export const SCRIPTED_VERDICTS = ['completed', ...FAILED_VERDICTS] as const;
const ENDS = [
  'referred',
  'transferred',
  'rejected',
  'hung_up',
  'abandoned',
  'failed',
  'unconfirmed',
  'ignored',
] as const;

export interface WrittenBranches {
  [verdict: string]: WrittenStep[];
}
export interface WrittenMenu {
  say: string;
  digits: Record<string, WrittenStep[]>;
  tries?: number;
  timeout?: string;
  voice?: string;
  language?: string;
}
export interface WrittenRefer {
  refer: string | { pick: Record<string, number> };
  timeout?: string;
  if_failed?: WrittenBranches;
}
export interface WrittenTransfer {
  transfer: string;
  from?: string;
  timeout?: string;
  if_failed?: WrittenBranches;
}
export interface WrittenSay {
  say: string;
  voice?: string;
  language?: string;
}
export type WrittenStep =
  | 'hangup'
  | 'ignore'
  | 'continue'
  | WrittenRefer
  | WrittenTransfer
  | WrittenSay
  | { play: string }
  | { menu: WrittenMenu }
  | { reject: 'busy' | 'declined' };

type OneOrMore<T> = T | T[];
export interface WrittenWhen {
  all?: WrittenWhen[];
  any?: WrittenWhen[];
  not?: WrittenWhen;
  from?: OneOrMore<string>;
  to?: OneOrMore<string>;
  direction?: OneOrMore<'incoming' | 'outgoing'>;
  connection_id?: OneOrMore<string>;
  caller_type?: OneOrMore<'pstn' | 'sip'>;
  header?: Record<string, OneOrMore<string>>;
  schedule?: OneOrMore<string>;
  country?: OneOrMore<string>;
  attestation?: OneOrMore<'A' | 'B' | 'C'>;
  anonymous?: boolean;
  percent?: number;
  tags?: OneOrMore<string>;
  event?: OneOrMore<(typeof EVENTS)[number]>;
  digits?: OneOrMore<string>;
}

const STRICT = { additionalProperties: false } as const;

function text(title: string, options: Record<string, unknown> = {}) {
  return Type.String({ title, minLength: 1, maxLength: 1024, ...options });
}

function oneOf<T extends string>(title: string, values: readonly T[], description = '') {
  return Type.Unsafe<T>({
    type: 'string',
    title,
    ...(description === '' ? {} : { description }),
    enum: [...values],
  });
}

function reference<T>(name: string, description = '') {
  return Type.Unsafe<T>(
    description === '' ? { $ref: `#/$defs/${name}` } : { $ref: `#/$defs/${name}`, description },
  );
}

function record<S extends TSchema>(
  title: string,
  key: { title: string; pattern: string; examples: string[] },
  values: S,
  options: Record<string, unknown> = {},
) {
  return Type.Unsafe<Record<string, Static<S>>>({
    type: 'object',
    title,
    propertyNames: { type: 'string', ...key },
    additionalProperties: values,
    ...options,
  });
}

/** One value, or a list of which any may hold. */
function oneOrMore<S extends TSchema>(value: S, description: string) {
  return Type.Union([value, Type.Array(value, { minItems: 1 })], { description });
}

const spoken = reference<string>('spoken');
const duration = (description: string) => reference<string>('duration', description);
const steps = (description: string) => reference<WrittenStep[]>('steps', description);
const branches = reference<WrittenBranches>(
  'branches',
  'What to do by the verdict of the failed attempt; without one, the next step runs.',
);
const nameKey = (what: string, example: string) => ({
  title: `name of a ${what}`,
  pattern: NAME,
  examples: [example],
});
const voice = text('voice', {
  description: 'Telnyx voice that speaks.',
  examples: ['Telnyx.KokoroTTS.af'],
  maxLength: 200,
});
const language = text('language', {
  description: 'Language of the voice.',
  examples: ['en-US'],
  pattern: '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$',
});
const playUrl = text('address of a recording', {
  description: 'An https address of an MP3 or WAV file.',
  pattern: '^https://[^\\s/?#]+[^\\s]*$',
  examples: ['https://media.example.com/welcome.mp3'],
});
const number = text('number, SIP URI, pattern or list:name', {
  description:
    'Exact E.164 number or SIP URI, `prefix*`, a glob with * and ?, or `list:name`. Always in quotes.',
  examples: ['+14155550100', '+1415555*', 'sip:*@pbx.example.com', 'list:vip'],
  maxLength: 256,
});

const defs = {
  spoken: Type.String({
    title: 'text to speak',
    description: 'What is said. Put it into quotes if it holds "#", ": " or starts with a sign.',
    examples: ['Please hold.'],
    minLength: 1,
    maxLength: 3000,
  }),
  duration: Type.String({
    title: 'duration',
    description: 'A whole number and ms, s, m or h.',
    pattern: DURATION,
    examples: ['30s', '500ms', '2m'],
  }),
  steps: Type.Array(reference<WrittenStep>('step'), {
    title: 'list of steps',
    description: 'Steps, done from the first to the last until one holds.',
    minItems: 1,
    maxItems: 100,
  }),
  step: Type.Union(
    [
      oneOf(
        'step',
        ['hangup', 'ignore', 'continue'] as const,
        'hangup: end the call. ignore: leave the call to another application. continue: at the end of a branch, go back to the list it left.',
      ),
      Type.Object(
        {
          refer: Type.Union(
            [
              text('target or SIP URI', {
                description: 'Name of a target, or a SIP URI in quotes.',
                examples: ['support-us', 'sip:support@pbx.example.com'],
              }),
              Type.Object(
                {
                  pick: record(
                    'weights',
                    nameKey('target', 'support-us'),
                    Type.Integer({ title: 'weight', minimum: 1, maximum: 10_000, examples: [9] }),
                    {
                      description:
                        'One target by weight, the same for the same caller; the others follow on failure.',
                      minProperties: 1,
                    },
                  ),
                },
                STRICT,
              ),
            ],
            { title: 'refer', description: 'Move the caller with a SIP REFER.' },
          ),
          timeout: Type.Optional(
            duration("How long this attempt may take; default: the target's."),
          ),
          if_failed: Type.Optional(branches),
        },
        { title: 'refer', ...STRICT },
      ),
      Type.Object(
        {
          transfer: text('number, SIP URI or target', {
            description: 'Bridge the caller through Telnyx to a number or SIP URI.',
            examples: ['+14155550199', 'sip:support@pbx.example.com'],
          }),
          from: Type.Optional(
            text('caller id', {
              description: 'Number shown to the far end; default: the number that was called.',
              examples: ['+14155550100', '{from}'],
            }),
          ),
          timeout: Type.Optional(duration('How long it may ring; default 30s.')),
          if_failed: Type.Optional(branches),
        },
        { title: 'transfer', ...STRICT },
      ),
      Type.Object(
        { say: spoken, voice: Type.Optional(voice), language: Type.Optional(language) },
        { title: 'say', description: 'Speak a text.', ...STRICT },
      ),
      Type.Object(
        { play: playUrl },
        { title: 'play', description: 'Play a recording.', ...STRICT },
      ),
      Type.Object(
        {
          menu: Type.Object(
            {
              say: spoken,
              digits: record(
                'what each key does',
                { title: 'telephone key, in quotes', pattern: '^[0-9*#]{1,8}$', examples: ['1'] },
                steps('What this key does.'),
                { minProperties: 1 },
              ),
              tries: Type.Optional(
                Type.Integer({
                  title: 'tries',
                  description: 'How often the menu is spoken; default 3.',
                  minimum: 1,
                  maximum: 10,
                  examples: [2],
                }),
              ),
              timeout: Type.Optional(duration('How long to wait for a key; default 8s.')),
              voice: Type.Optional(voice),
              language: Type.Optional(language),
            },
            { description: 'Speak a text and wait for a key.', ...STRICT },
          ),
        },
        {
          title: 'menu',
          description:
            'Speak a text and wait for digits; without a good answer the next step runs.',
          ...STRICT,
        },
      ),
      Type.Object(
        { reject: oneOf('cause', ['busy', 'declined'] as const) },
        { title: 'reject', description: 'Refuse the call.', ...STRICT },
      ),
    ],
    { title: 'step' },
  ),
  branches: Type.Object(
    Object.fromEntries(
      [...FAILED_VERDICTS, 'any'].map((verdict) => [
        verdict,
        Type.Optional(
          steps(
            verdict === 'any' ? 'Any failure not named here.' : `After the verdict ${verdict}.`,
          ),
        ),
      ]),
    ),
    { title: 'branches by verdict', minProperties: 1, ...STRICT },
  ),
  when: Type.Object(
    {
      all: Type.Optional(
        Type.Array(reference<WrittenWhen>('when'), {
          minItems: 1,
          description: 'All of these hold.',
        }),
      ),
      any: Type.Optional(
        Type.Array(reference<WrittenWhen>('when'), {
          minItems: 1,
          description: 'One of these holds.',
        }),
      ),
      not: Type.Optional(reference<WrittenWhen>('when', 'This does not hold.')),
      from: Type.Optional(oneOrMore(number, "The caller's number or SIP address.")),
      to: Type.Optional(oneOrMore(number, 'The number or SIP address that was called.')),
      direction: Type.Optional(
        oneOrMore(oneOf('direction', ['incoming', 'outgoing'] as const), 'Default incoming.'),
      ),
      connection_id: Type.Optional(
        oneOrMore(
          text('connection id, in quotes', {
            pattern: '^[0-9]{1,20}$',
            examples: ['1494404757140276705'],
          }),
          'Telnyx connection; in quotes, its 19 digits are too many for a number.',
        ),
      ),
      caller_type: Type.Optional(
        oneOrMore(oneOf('caller type', ['pstn', 'sip'] as const), 'pstn or sip.'),
      ),
      header: Type.Optional(
        record(
          'headers of the INVITE',
          {
            title: 'header name',
            pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$",
            examples: ['X-Queue'],
          },
          oneOrMore(text('value or glob', { examples: ['gold*'] }), 'A glob with * and ?.'),
          { description: 'The caller writes headers: never for authorisation.', minProperties: 1 },
        ),
      ),
      schedule: Type.Optional(
        oneOrMore(
          text('name of a schedule', { examples: ['office'] }),
          'Open at the moment of the call.',
        ),
      ),
      country: Type.Optional(
        oneOrMore(
          text('ISO country code', { pattern: '^[A-Z]{2}$', examples: ['IE', 'US'] }),
          "Country of the caller's number.",
        ),
      ),
      attestation: Type.Optional(
        oneOrMore(
          oneOf('attestation', ['A', 'B', 'C'] as const),
          'STIR/SHAKEN level; counts only when validated.',
        ),
      ),
      anonymous: Type.Optional(
        Type.Boolean({ title: 'anonymous', description: 'True: the caller withholds the number.' }),
      ),
      percent: Type.Optional(
        Type.Number({
          title: 'percent',
          description: 'This share of callers, always the same ones for this rule.',
          minimum: 0,
          maximum: 100,
          examples: [10],
        }),
      ),
      tags: Type.Optional(
        oneOrMore(text('tag', { examples: ['campaign-7'] }), 'A tag of the call.'),
      ),
      event: Type.Optional(
        oneOrMore(
          oneOf('event', EVENTS),
          'Default call.initiated. The later ones see only calls that no plan runs.',
        ),
      ),
      digits: Type.Optional(
        oneOrMore(
          text('digits, in quotes', { pattern: '^[0-9A-D*#]{1,32}$', examples: ['0'] }),
          'Key of a call.dtmf.received event.',
        ),
      ),
    },
    { title: 'when', description: 'All keys must hold; of a list of values, one.', ...STRICT },
  ),
};

const target = Type.Object(
  {
    sip: text('SIP URI', {
      description:
        'Where the REFER points. The user part may hold {from} {to} {from_user} {to_user} {call_session_id} {header:X-Name}.',
      examples: ['sip:support@pbx.example.com'],
    }),
    timeout: Type.Optional(duration('Of one attempt; default 30s.')),
    user_to_user: Type.Optional(
      text('User-to-User', {
        description: 'Sent as the User-to-User header.',
        examples: ['{call_session_id}'],
      }),
    ),
    headers: Type.Optional(
      record(
        'custom headers',
        {
          title: 'header name',
          pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$",
          examples: ['X-Queue'],
        },
        text('header value', { examples: ['support'] }),
      ),
    ),
    auth: Type.Optional(
      Type.Object(
        {
          username: text('user name', { examples: [`\${PBX_USER}`] }),
          password: text('password', {
            description: `Only as \${NAME}: the variable is read when the request is made.`,
            pattern: '^\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}$',
            examples: [`\${PBX_PASSWORD}`],
          }),
        },
        { title: 'auth', ...STRICT },
      ),
    ),
    bye_without_verdict: Type.Optional(
      oneOf(
        'bye_without_verdict',
        ['unconfirmed', 'completed'] as const,
        'What a hangup means that comes while a REFER is open; default unconfirmed.',
      ),
    ),
  },
  { title: 'target', ...STRICT },
);

const list = Type.Union([
  Type.Array(number, { title: 'numbers' }),
  Type.Object(
    {
      file: text('file under the routes folder', {
        description: 'One number or prefix* a line; # starts a comment.',
        examples: ['lists/blocked.txt'],
      }),
    },
    STRICT,
  ),
]);

const schedule = Type.Object(
  {
    zone: text('IANA time zone', { examples: ['America/New_York', 'Europe/Dublin'] }),
    open: Type.Array(
      text('days and times', { examples: ['mon-fri 09:00-17:30', 'sat 10:00-14:00'] }),
      {
        description: 'Weekly opening; the end is not included, 22:00-06:00 runs over midnight.',
      },
    ),
    closed: Type.Optional(
      Type.Array(
        text('date, with times for a part of the day', {
          examples: ['2026-12-25', '2026-12-24 13:00-24:00', '01-01'],
        }),
        { description: 'Wins over open; mm-dd is every year.' },
      ),
    ),
    closed_ical: Type.Optional(
      oneOrMore(
        text('iCal file under the routes folder', { examples: ['holidays.ics'] }),
        'Closed while an event of these files lasts.',
      ),
    ),
  },
  { title: 'schedule', ...STRICT },
);

const budget = (what: string) =>
  Type.Object(
    {
      per_call: Type.Optional(
        Type.Integer({ title: `${what} of one call`, minimum: 0, maximum: 1_000 }),
      ),
      per_hour: Type.Optional(
        Type.Integer({ title: `${what} an hour`, minimum: 0, maximum: 10_000_000 }),
      ),
      per_caller_per_hour: Type.Optional(
        Type.Integer({ title: `${what} of one caller an hour`, minimum: 0, maximum: 1_000_000 }),
      ),
    },
    { description: `Over it a step fails as rejected.`, minProperties: 1, ...STRICT },
  );

const policy = Type.Object(
  {
    voice: Type.Optional(voice),
    language: Type.Optional(language),
    patience: Type.Optional(duration('All moving steps together; default 120s.')),
    while_moving: Type.Optional(
      Type.Union([Type.Object({ say: spoken }, STRICT), Type.Object({ play: playUrl }, STRICT)], {
        description: 'Said or played in a loop while the caller is being moved.',
      }),
    ),
    allow: Type.Optional(
      Type.Array(text('pattern', { examples: ['sip:*@*.example.com', '+1*'] }), {
        description: 'Where a templated, handler-made or manual destination may go; none = none.',
      }),
    ),
    refers: Type.Optional(budget('REFERs')),
    transfers: Type.Optional(budget('transfers')),
  },
  { title: 'policy', ...STRICT },
);

const rule = Type.Object(
  {
    name: text('name of the rule', { examples: ['support'], maxLength: 100 }),
    when: Type.Optional(reference<WrittenWhen>('when')),
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
    description: 'First match wins, top to bottom. Either do or handler.',
    oneOf: [{ required: ['do'] }, { required: ['handler'] }],
    ...STRICT,
  },
);

const digits = text('digits, in quotes', { pattern: '^[0-9*#]{1,32}$', examples: ['1'] });
const scriptedVerdict = oneOrMore(oneOf('verdict', SCRIPTED_VERDICTS), 'A list scripts repeats.');
const exampleHeaders = record(
  'headers of the INVITE',
  { title: 'header name', pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$", examples: ['X-Queue'] },
  text('value', { minLength: 0 }),
);

const example = Type.Object(
  {
    name: text('name of the example', {
      examples: ['busy in the US goes to the EU'],
      maxLength: 200,
    }),
    call: Type.Object(
      {
        from: Type.Optional(text('caller', { examples: ['+353861234567', 'anonymous'] })),
        to: text('number called', { examples: ['+14155550100'] }),
        at: Type.Optional(
          text('moment', {
            description: 'ISO 8601 with a zone.',
            pattern:
              '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?(Z|[+-]\\d{2}:\\d{2})$',
            examples: ['2026-03-02T15:00:00Z'],
          }),
        ),
        direction: Type.Optional(oneOf('direction', ['incoming', 'outgoing'] as const)),
        connection_id: Type.Optional(
          text('connection id', { pattern: '^[0-9]{1,20}$', examples: ['1494404757140276705'] }),
        ),
        caller_type: Type.Optional(oneOf('caller type', ['pstn', 'sip'] as const)),
        caller_name: Type.Optional(text('caller name')),
        attestation: Type.Optional(oneOf('attestation', ['A', 'B', 'C'] as const)),
        headers: Type.Optional(exampleHeaders),
        header: Type.Optional(exampleHeaders),
        tags: Type.Optional(oneOrMore(text('tag'), 'Tags of the call.')),
        session: Type.Optional(text('call_session_id')),
      },
      { description: 'The call that comes in.', ...STRICT },
    ),
    verdicts: Type.Optional(
      Type.Unsafe<Record<string, string | string[]>>({
        type: 'object',
        title: 'verdicts by target',
        description: 'What each target answers. An attempt without a scripted verdict is an error.',
        properties: { digits, hangup_after: text('target') },
        propertyNames: {
          type: 'string',
          title: 'target, number or SIP URI',
          pattern: '^\\S.*$',
          examples: ['support-us'],
        },
        additionalProperties: scriptedVerdict,
      }),
    ),
    digits: Type.Optional(
      oneOrMore(digits, 'What the caller presses in a menu; a list for several menus.'),
    ),
    hangup_after: Type.Optional(
      text('target', {
        description: 'The caller hangs up while this target is tried.',
        examples: ['support-us'],
      }),
    ),
    expect: Type.Object(
      {
        rule: Type.Optional(
          Type.Union([text('name of a rule, or otherwise'), Type.Null()], {
            description: 'Which rule wins; null or otherwise where none does.',
          }),
        ),
        attempts: Type.Optional(
          Type.Array(text('target, number or SIP URI'), {
            description: 'Who was tried, in order.',
          }),
        ),
        ends: Type.Optional(oneOf('how the call ends', ENDS)),
        path: Type.Optional(
          Type.Array(text('step', { examples: ['answer', 'refer support-us'] }), {
            description: 'The steps as route prints them.',
          }),
        ),
      },
      { description: 'What must come of it.', minProperties: 1, ...STRICT },
    ),
  },
  { title: 'example', description: 'A test of the routes; `referee check` runs it.', ...STRICT },
);

const routeFileSchema = Type.Object(
  {
    $schema: Type.Optional(text('schema for editors')),
    targets: Type.Optional(
      record('targets', nameKey('target', 'support-us'), target, {
        description: 'Where callers can be moved to.',
      }),
    ),
    lists: Type.Optional(
      record('lists', nameKey('list', 'vip'), list, {
        description: 'Numbers to match as list:name.',
      }),
    ),
    schedules: Type.Optional(
      record('schedules', nameKey('schedule', 'office'), schedule, {
        description: 'Hours and holidays.',
      }),
    ),
    policy: Type.Optional(policy),
    rules: Type.Optional(Type.Array(rule, { description: 'First match wins, top to bottom.' })),
    otherwise: Type.Optional(
      steps('What happens when no rule matched; must be written once in the set.'),
    ),
    last_resort: Type.Optional(
      steps('What happens when every step is used up: only say, play, reject, hangup.'),
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
export type WrittenSchedule = Static<typeof schedule>;
export type WrittenPolicy = Static<typeof policy>;
export type WrittenExample = Static<typeof example>;
export type WrittenList = Static<typeof list>;

/** JSON Schema (draft 7, the one every editor knows) of a route file, as `routes/routes.schema.json` holds it. */
export const ROUTE_FILE_SCHEMA = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Referee route file',
  description: 'Call routes: targets, lists, schedules, policy, rules and examples.',
  ...routeFileSchema,
  $defs: defs,
};

export function schemaText(): string {
  return `${JSON.stringify(ROUTE_FILE_SCHEMA, null, 2)}\n`;
}
