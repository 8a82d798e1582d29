/** The schema of guarantees. */
import Type, { type Static } from 'typebox';
import { ENDS } from '../../core/machine/call.ts';
import { duration, oneOf, STRICT, text } from './words.ts';

export const guarantee = Type.Object(
  {
    name: text('name of the guarantee', {
      examples: ['support answers within two minutes'],
      maxLength: 200,
    }),
    rules: Type.Optional(
      Type.Array(text('name of a rule, or otherwise', { examples: ['support'] }), {
        description: 'The rules it applies to; default: every rule and otherwise.',
        minItems: 1,
      }),
    ),
    wait: Type.Optional(
      duration(
        'The longest time until the caller has arrived, hears the last prompt or is let go.',
      ),
    ),
    silence: Type.Optional(
      duration('The longest time for which an answered caller hears nothing.'),
    ),
    moves: Type.Optional(
      Type.Integer({
        title: 'moves',
        description: 'The largest number of REFERs and transfers that Telnyx bills on a path.',
        minimum: 0,
        maximum: 1_000,
      }),
    ),
    never_ends: Type.Optional(
      Type.Array(oneOf('how the call ends', ENDS), {
        description: 'No path ends like this.',
        minItems: 1,
      }),
    ),
    always_hears: Type.Optional(
      Type.Boolean({
        description:
          'A caller who is let go has heard a prompt first; a reject before the answer counts.',
      }),
    ),
  },
  {
    title: 'guarantee',
    description: 'A condition that every path of the routes meets; `referee check` tests it.',
    minProperties: 2,
    ...STRICT,
  },
);

export type WrittenGuarantee = Static<typeof guarantee>;
