/** `when` in a route file: its type, and its part of the schema. */
import Type from 'typebox';
import { type OnOff, onOff } from './schedule.ts';
import {
  EVENTS,
  fieldKey,
  headerKey,
  NAME,
  nameKey,
  number,
  oneOf,
  oneOrMore,
  record,
  reference,
  STRICT,
  text,
} from './words.ts';

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
  table?: OneOrMore<string>;
  row?: Record<string, OneOrMore<string>>;
  header?: Record<string, OneOrMore<string>>;
  schedule?: OneOrMore<string>;
  closed_because?: Record<string, OneOrMore<string>>;
  switch?: OneOrMore<string> | Record<string, OnOff>;
  country?: OneOrMore<string>;
  attestation?: OneOrMore<'A' | 'B' | 'C'>;
  anonymous?: boolean;
  percent?: number;
  tags?: OneOrMore<string>;
  event?: OneOrMore<(typeof EVENTS)[number]>;
  digits?: OneOrMore<string>;
  lookup?: Record<string, Record<string, OneOrMore<string>>>;
}

export const WHEN_DEFS = {
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
          'Id of a Telnyx connection, in quotes, because 19 digits are too many for a number.',
        ),
      ),
      caller_type: Type.Optional(
        oneOrMore(oneOf('caller type', ['pstn', 'sip'] as const), 'pstn or sip.'),
      ),
      header: Type.Optional(
        record(
          'headers of the INVITE',
          headerKey('X-Queue'),
          oneOrMore(text('value or glob', { examples: ['gold*'] }), 'A glob with * and ?.'),
          {
            description: 'Headers come from the caller, so never use them for authorisation.',
            minProperties: 1,
          },
        ),
      ),
      table: Type.Optional(
        oneOrMore(
          text('name of a table', { examples: ['extensions'] }),
          "The table has a row for the call's number. Of several tables, the first that has one is used.",
        ),
      ),
      row: Type.Optional(
        record(
          'columns of the row',
          { title: 'column', pattern: '^[^{}]{1,128}$', examples: ['tier'] },
          oneOrMore(text('value or glob', { examples: ['gold*'] }), 'A glob with * and ?.'),
          {
            description: 'Matches columns of the row that the table has for the call.',
            minProperties: 1,
          },
        ),
      ),
      schedule: Type.Optional(
        oneOrMore(
          text('name of a schedule', { examples: ['office'] }),
          'The schedule is open at the time of the call.',
        ),
      ),
      closed_because: Type.Optional(
        record(
          'reasons by schedule',
          { title: 'name of a schedule', pattern: NAME, examples: ['office'] },
          oneOrMore(text('reason', { examples: ['holiday'] }), 'One of these reasons.'),
          {
            description: 'The schedule is closed at the time of the call, for this reason.',
            minProperties: 1,
          },
        ),
      ),
      switch: Type.Optional(
        Type.Union(
          [
            text('name of a switch', { examples: ['main-site'] }),
            Type.Array(text('name of a switch', { examples: ['main-site'] }), { minItems: 1 }),
            record(
              'switches',
              { title: 'name of a switch', pattern: NAME, examples: ['main-site'] },
              onOff,
              { minProperties: 1 },
            ),
          ],
          { description: 'The switch is on; or { main-site: off }.' },
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
          'STIR/SHAKEN level; counts only if validated.',
        ),
      ),
      anonymous: Type.Optional(
        Type.Boolean({ title: 'anonymous', description: 'True: the caller withholds the number.' }),
      ),
      percent: Type.Optional(
        Type.Number({
          title: 'percent',
          description: 'This share of callers; always the same callers for this rule.',
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
          'Default: call.initiated. The later ones only apply to calls that Referee does not manage.',
        ),
      ),
      digits: Type.Optional(
        oneOrMore(
          text('telephone key, in quotes', { pattern: '^[0-9A-D*#]{1,32}$', examples: ['0'] }),
          'Key of a call.dtmf.received event.',
        ),
      ),
      lookup: Type.Optional(
        record(
          'lookups',
          nameKey('lookup', 'crm'),
          record(
            'kept fields',
            fieldKey,
            oneOrMore(text('value or glob', { examples: ['gold*'] }), 'A glob with * and ?.'),
            { minProperties: 1 },
          ),
          {
            description:
              'What a lookup returned. It is asked at most once per call, when a rule that could match needs it.',
            minProperties: 1,
          },
        ),
      ),
    },
    {
      title: 'when',
      description: 'All keys must match; if a key has a list of values, one of them.',
      ...STRICT,
    },
  ),
};
