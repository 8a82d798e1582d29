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
        description: 'Which rules it is about; default: every rule and otherwise.',
        minItems: 1,
      }),
    ),
    wait: Type.Optional(
      duration('No path longer, until the caller has arrived, hears the last prompt or is let go.'),
    ),
    silence: Type.Optional(
      duration('No longer stretch in which an answered caller hears nothing.'),
    ),
    moves: Type.Optional(
      Type.Integer({
        title: 'moves',
        description: 'No path with more REFERs and transfers that Telnyx bills.',
        minimum: 0,
        maximum: 1_000,
      }),
    ),
    never_ends: Type.Optional(
      Type.Array(oneOf('how the call ends', ENDS), {
        description: 'No path ends so.',
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
    description: 'What the routes promise; `referee check` holds every path to it.',
    minProperties: 2,
    ...STRICT,
  },
);

export type WrittenGuarantee = Static<typeof guarantee>;
