/** The schema of examples. */
import Type, { type Static } from 'typebox';
import { ENDS, type Ends } from '../../core/machine/call.ts';
import { onOff } from './schedule.ts';
import {
  fieldKey,
  headerKey,
  NAME,
  nameKey,
  oneOf,
  oneOrMore,
  record,
  SCRIPTED_VERDICTS,
  STRICT,
  text,
} from './words.ts';

const digits = text('digits, in quotes', { pattern: '^[0-9*#]{1,32}$', examples: ['1'] });
const scriptedVerdict = oneOrMore(
  oneOf('verdict', SCRIPTED_VERDICTS),
  'A list gives the verdicts of repeated attempts.',
);
/** In a dry run no webhook is missed, so this end cannot occur. */
const PLAYED_ENDS = ENDS.filter((ends): ends is Exclude<Ends, 'missed'> => ends !== 'missed');
const exampleHeaders = record(
  'headers of the INVITE',
  headerKey('X-Queue'),
  text('value', { minLength: 0 }),
);

export const example = Type.Object(
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
        description: 'The verdict of each target. An attempt without a verdict is an error.',
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
    switches: Type.Optional(
      record(
        'switches',
        { title: 'name of a switch', pattern: NAME, examples: ['main-site'] },
        onOff,
        { description: 'Positions of switches; the others have their default.' },
      ),
    ),
    digits: Type.Optional(
      oneOrMore(digits, 'What the caller presses in a menu; a list for several menus.'),
    ),
    lookups: Type.Optional(
      record(
        'answers of lookups',
        nameKey('lookup', 'crm'),
        record('kept fields', fieldKey, text('value', { minLength: 0 })),
        { description: 'A lookup without an entry does not answer. No request is sent.' },
      ),
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
            description: 'The rule that matches; null or otherwise if none does.',
          }),
        ),
        attempts: Type.Optional(
          Type.Array(text('target, number or SIP URI'), {
            description: 'The targets that are tried, in order.',
          }),
        ),
        ends: Type.Optional(oneOf('how the call ends', PLAYED_ENDS)),
        path: Type.Optional(
          Type.Array(text('step', { examples: ['answer', 'refer support-us'] }), {
            description: 'The steps as referee route prints them.',
          }),
        ),
      },
      { description: 'What must happen.', minProperties: 1, ...STRICT },
    ),
  },
  { title: 'example', description: 'A test of the routes; `referee check` runs it.', ...STRICT },
);

export type WrittenExample = Static<typeof example>;
