/** What the schemas of several endpoints are made of. */
import { type TSchema, Type } from 'typebox';
import { ENDS as ENDS_WORDS, PHASES } from '../../core/machine/call.ts';
import { CALLER_OUTCOMES } from '../../core/machine/caller-outcome.ts';
import { VERDICTS } from '../../core/machine/verdict.ts';
import { HTTP_LIMITS } from '../limits.ts';

const text = Type.String();
export const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
export const time = Type.String({ format: 'date-time' });

/** Enumerations: an unknown value is refused with the list of valid ones. */
export const PHASE = Type.Enum([...PHASES]);
export const VERDICT = Type.Enum([...VERDICTS]);
export const ENDS = Type.Enum([...ENDS_WORDS]);
export const OUTCOME = Type.Enum([...CALLER_OUTCOMES]);

export const CALL_ID_PARAMS = Type.Object({
  call_control_id: Type.String({ minLength: 1, maxLength: HTTP_LIMITS.paramCharsMax }),
});

export const LEGS = Type.Optional(
  Type.Enum(['all'], { description: 'also the B-legs of transfers; default: only callers' }),
);

export const TRACE = Type.Array(Type.Object({ rule: text, matched: Type.Boolean(), why: text }));

/** Accepted by every action and stored with it, so that other people can see why. */
export const REASON = Type.Optional(
  orNull(
    Type.String({
      maxLength: HTTP_LIMITS.reasonCharsMax,
      description: 'The reason, for other people',
    }),
  ),
);

export const ACT_BODY = Type.Union([
  Type.Object({ reason: REASON }, { additionalProperties: false }),
  Type.Null(),
]);

export const PROBLEM = Type.Object(
  {
    type: text,
    title: text,
    status: Type.Integer(),
    detail: text,
    reason: text,
    fix: Type.Optional(text),
    field: Type.Optional(text),
    problems: Type.Optional(Type.Array(Type.Unknown())),
  },
  { description: 'RFC 9457' },
);
