/** The schemas of the route endpoints. */
import { Type } from 'typebox';
import { ENDS } from '../../../core/machine/call.ts';
import { SCRIPTED_VERDICTS } from '../../../routing/schema/words.ts';
import { SCHEDULE_OVERRIDE, SWITCH_LIST } from '../overriding/overrides-schemas.ts';
import { orNull, TRACE, time, VERDICT } from '../schemas.ts';

const text = Type.String();
const party = Type.String({ maxLength: 1024 });

const LOCATED = Type.Object({
  file: text,
  line: Type.Integer(),
  column: Type.Integer(),
  message: text,
  hint: orNull(text),
});

const SIDE = Type.Object(
  { rule: orNull(text), target: orNull(text) },
  { description: 'rule null: left unmanaged; target: the first of the plan' },
);

const NEXT = Type.Object(
  {
    hash: orNull(Type.String({ description: 'null: it has had problems since the start' })),
    percent: Type.Integer({ description: 'Share of the callers who follow it' }),
    decided: Type.Integer({ description: 'Decisions compared on this replica since `since`' }),
    differs: Type.Integer(),
    not_compared: Type.Integer({
      description:
        'A handler that is not run a second time would decide, or there were too many calls',
    }),
    since: Type.String({ format: 'date-time', description: 'The last change of either set' }),
    changes: Type.Array(
      Type.Object({
        before: SIDE,
        after: SIDE,
        calls: Type.Integer(),
        examples: Type.Array(text, { description: 'The newest calls, 5 at most' }),
      }),
    ),
    last_refusal: orNull(Type.Object({ at: time, problems: Type.Array(LOCATED) })),
  },
  { description: 'The routes of ROUTES_NEXT_DIR; null: unset' },
);

export const ROUTES = Type.Object({
  hash: text,
  files: Type.Array(text),
  rules: Type.Array(
    Type.Object({ name: text, file: text, line: Type.Integer(), handler: orNull(text) }),
  ),
  targets: Type.Array(
    Type.Object({
      name: text,
      sip: text,
      timeout_ms: Type.Integer(),
      bye_without_verdict: Type.Enum(['unconfirmed', 'completed']),
      via: Type.Union([Type.Array(Type.Enum(['refer', 'transfer'])), Type.Null()]),
    }),
  ),
  numbers: Type.Array(Type.Object({ number: text, label: text })),
  schedules: Type.Array(
    Type.Object({
      name: text,
      zone: text,
      override: orNull(SCHEDULE_OVERRIDE),
    }),
  ),
  switches: SWITCH_LIST,
  lookups: Type.Array(
    Type.Object({
      name: text,
      url: Type.String({ description: 'With its placeholders, and without secrets' }),
      keep: Type.Array(text),
      timeout_ms: Type.Integer(),
      cache_ms: orNull(Type.Integer()),
    }),
  ),
  lists: Type.Array(Type.Object({ name: text, entries: Type.Integer() })),
  tables: Type.Array(
    Type.Object({
      name: text,
      file: text,
      key: Type.Enum(['from', 'to'], { description: 'Which number of a call is looked up' }),
      rows: Type.Integer(),
      columns: Type.Array(text),
    }),
  ),
  last_refusal: orNull(Type.Object({ at: time, problems: Type.Array(LOCATED) })),
  activated: orNull(
    Type.Object(
      { hash: text, who: text, at: time, folder: text },
      { description: 'An older version is live; `folder` is the hash of what is in the folder' },
    ),
  ),
  next: orNull(NEXT),
  replicas: Type.Array(
    Type.Object({
      id: text,
      started_at: time,
      seen_at: time,
      gone: Type.Boolean({
        description: 'No heartbeat for 20 s: it has stopped or does not respond',
      }),
      route_set: orNull(text),
      refusal: orNull(text),
    }),
  ),
});

export const RELOADED = Type.Object({
  ok: Type.Literal(true),
  hash: text,
  changed: Type.Boolean(),
  warnings: Type.Array(LOCATED),
});

const SCRIPTED = Type.Enum([...SCRIPTED_VERDICTS]);
const DIGITS = Type.String({ maxLength: 128, pattern: '^[0-9*#]*$' });

export const EXPLAIN_BODY = Type.Object(
  {
    from: Type.Optional(orNull(party)),
    to: Type.Optional(orNull(party)),
    direction: Type.Optional(Type.Enum(['incoming', 'outgoing'])),
    headers: Type.Optional(Type.Record(Type.String({ maxLength: 256 }), party)),
    at: Type.Optional(Type.String({ maxLength: 40, description: 'ISO 8601; default: now' })),
    verdicts: Type.Optional(
      Type.Record(
        Type.String({ maxLength: 256 }),
        Type.Union([SCRIPTED, Type.Array(SCRIPTED, { minItems: 1, maxItems: 50 })]),
        {
          description:
            'What each target answers, in order; a target that is not named answers completed',
        },
      ),
    ),
    switches: Type.Optional(
      Type.Record(Type.String({ maxLength: 256 }), Type.Boolean(), {
        description: 'As if these switches were on or off; others are in their current state',
      }),
    ),
    lookups: Type.Optional(
      Type.Record(
        Type.String({ maxLength: 64 }),
        Type.Record(Type.String({ maxLength: 64 }), party),
        {
          description:
            'What each lookup answers; one that is not named does not answer. No server is asked.',
        },
      ),
    ),
    digits: Type.Optional(
      Type.Union([DIGITS, Type.Array(DIGITS, { maxItems: 50 })], {
        description: 'What the caller presses in a menu; a list for several menus',
      }),
    ),
    hangup_after: Type.Optional(
      Type.String({
        maxLength: 1024,
        description: 'The caller hangs up while this target is tried',
      }),
    ),
    caller_type: Type.Optional(
      Type.Enum(['pstn', 'sip'], { description: 'Default: sip if from is an address with @' }),
    ),
    connection_id: Type.Optional(Type.String({ maxLength: 64, pattern: '^[0-9]+$' })),
    attestation: Type.Optional(Type.Enum(['A', 'B', 'C'])),
    tags: Type.Optional(Type.Array(Type.String({ maxLength: 256 }), { maxItems: 50 })),
  },
  { additionalProperties: false },
);

export const EXPLANATION = Type.Object({
  rule: orNull(text),
  path: Type.Array(text),
  attempts: Type.Array(
    Type.Object({
      target: orNull(text),
      sip_address: text,
      verdict: text,
      reason: Type.Optional(
        Type.String({
          description: 'Why nothing would be sent to the target; absent if it would be',
        }),
      ),
    }),
  ),
  ends: orNull(text),
  trace: TRACE,
  follows_next: Type.Optional(
    Type.Boolean({
      description:
        'True if calls of this caller follow the next routes (ROUTES_NEXT_PERCENT); this answer is of the live ones',
    }),
  ),
});

const EXPLAINED = Type.Object({
  rule: orNull(text),
  path: Type.Array(text),
  attempts: Type.Array(
    Type.Object({ target: orNull(text), sip_address: text, verdict: orNull(VERDICT) }),
  ),
  ends: orNull(Type.Enum([...ENDS])),
  trace: TRACE,
  route_set: orNull(text),
});

export const EXPLAINED_AGAIN = Type.Object({
  before: EXPLAINED,
  after: EXPLAINED,
  differs: Type.Boolean({ description: 'In rule, targets in order, or end' }),
  assumed: Type.Array(text, {
    description: 'Targets that were not tried then: they are assumed to complete',
  }),
});

export const PROVE_QUERY = Type.Object(
  {
    rule: Type.String({
      minLength: 1,
      maxLength: 256,
      description: 'Name of a rule of the live set, or otherwise',
    }),
  },
  { additionalProperties: false },
);

const WORST = { path: Type.Array(text), verdicts: Type.Array(VERDICT), digits: Type.Array(text) };

export const PROVED = Type.Object({
  hash: text,
  rule: text,
  complete: Type.Boolean({ description: 'False: not every path was played' }),
  unfinished: Type.Optional(text),
  paths: Type.Integer(),
  ends: Type.Record(text, Type.Integer(), { description: 'Paths by how the call ends' }),
  worst: orNull(
    Type.Object({
      wait: Type.Object({ secs: Type.Number(), ...WORST }),
      silence: Type.Object({ secs: Type.Number(), ...WORST }),
      moves: Type.Object({
        count: Type.Integer({ description: 'REFERs and transfers that Telnyx bills' }),
        ...WORST,
      }),
    }),
  ),
  patience_secs: orNull(
    Type.Number({ description: 'Set if patience may end before the steps do' }),
  ),
  words: orNull(Type.Object({ wait: text, silence: text, moves: text })),
  tree: Type.Array(
    Type.Object({
      depth: Type.Integer(),
      when: text,
      steps: Type.Array(text),
      ends: orNull(Type.Enum([...ENDS])),
      again: Type.Boolean({ description: 'It continues like a branch above' }),
    }),
  ),
});
