/** The shapes of what waits to be sent to Telnyx, and of events that could not be processed. */
import { Type } from 'typebox';
import { HTTP_LIMITS } from '../limits.ts';
import { ACT_BODY, orNull, PROBLEM } from './calls-schemas.ts';

const text = Type.String();
const time = Type.String({ format: 'date-time' });
const limit = Type.Optional(Type.Integer({ minimum: 1, maximum: HTTP_LIMITS.callsPageMax }));

export const OUTBOX_SCHEMA = {
  tags: ['calls'],
  summary: 'Commands that wait to be sent to Telnyx or are in flight, the oldest first',
  querystring: Type.Object({ limit }, { additionalProperties: false }),
  response: {
    200: Type.Object({
      pending: Type.Integer(),
      oldest_ms: Type.Integer({
        description: 'How long the oldest has waited; 0 where none waits',
      }),
      commands: Type.Array(
        Type.Object({
          id: text,
          call_control_id: text,
          from: orNull(text),
          to: orNull(text),
          leg: text,
          action: text,
          destination: orNull(
            Type.String({ description: 'Of a move; of a lookup its name; else null' }),
          ),
          attempt: orNull(text),
          tries: Type.Integer(),
          last_answer: orNull(
            Type.Object(
              { status: orNull(Type.Integer()), detail: text },
              { description: 'Why it is tried again; null before the first answer' },
            ),
          ),
          give_up_at: orNull(
            Type.String({ format: 'date-time', description: 'Not sent from then on' }),
          ),
          created_at: time,
          first_sent_at: orNull(time),
          ready_at: time,
          in_flight: Type.Boolean(),
        }),
      ),
    }),
    400: PROBLEM,
  },
} as const;

export const LETTERS_SCHEMA = {
  tags: ['calls'],
  summary: 'Events that could not be processed, newest first',
  querystring: Type.Object(
    { limit, cursor: Type.Optional(Type.Integer({ minimum: 1 })) },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      dead_letters: Type.Array(
        Type.Object({
          id: Type.Integer(),
          at: time,
          error: text,
          call_control_id: orNull(text),
          source: orNull(text),
          type: orNull(text),
        }),
      ),
      next: orNull(Type.Integer()),
    }),
    400: PROBLEM,
  },
} as const;

const LETTER = {
  tags: ['calls'],
  params: Type.Object({ id: Type.String({ pattern: '^[1-9][0-9]{0,14}$' }) }),
  body: ACT_BODY,
} as const;

export const RETRY_SCHEMA = {
  ...LETTER,
  summary: 'Process the event of a dead letter again',
  response: {
    200: Type.Object({
      id: Type.Integer(),
      result: Type.Enum(['committed', 'duplicate', 'refused']),
    }),
    400: PROBLEM,
    404: PROBLEM,
    422: PROBLEM,
  },
} as const;

export const DISCARD_SCHEMA = {
  ...LETTER,
  summary: 'Throw a dead letter away',
  response: {
    200: Type.Object({ id: Type.Integer(), result: Type.Literal('discarded') }),
    400: PROBLEM,
    404: PROBLEM,
  },
} as const;
