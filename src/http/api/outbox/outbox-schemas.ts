/** The schemas of commands waiting to be sent to Telnyx, and of dead letters. */
import { type Static, Type } from 'typebox';
import { HTTP_LIMITS } from '../../limits.ts';
import { type Column, csvText, JSON_OR_CSV, members } from '../csv.ts';
import { ACT_BODY, orNull, PROBLEM, time } from '../schemas.ts';

const text = Type.String();
const limit = Type.Optional(Type.Integer({ minimum: 1, maximum: HTTP_LIMITS.callsPageMax }));

export const OUTBOX = Type.Object({
  pending: Type.Integer(),
  oldest_ms: Type.Integer({
    description: 'How long the oldest has waited; 0 if none waits',
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
        Type.String({
          description: 'The destination of a move, or the name of a lookup; otherwise null',
        }),
      ),
      attempt: orNull(text),
      tries: Type.Integer(),
      last_answer: orNull(
        Type.Object(
          { status: orNull(Type.Integer()), detail: text },
          { description: 'Why it will be tried again; null before the first answer' },
        ),
      ),
      give_up_at: orNull(
        Type.String({ format: 'date-time', description: 'It is not sent after this time' }),
      ),
      created_at: time,
      first_sent_at: orNull(time),
      ready_at: time,
      in_flight: Type.Boolean(),
    }),
  ),
});

type Outbox = Static<typeof OUTBOX>;
type Waiting = Outbox['commands'][number];

const COMMAND: readonly Column<Waiting>[] = [
  ...members<Waiting>('id', 'call_control_id', 'from', 'to', 'leg', 'action', 'destination'),
  ...members<Waiting>('attempt', 'tries'),
  { name: 'last_status', value: ({ last_answer: last }) => last?.status ?? null },
  { name: 'last_answer', value: ({ last_answer: last }) => last?.detail ?? null },
  ...members<Waiting>('give_up_at', 'created_at', 'first_sent_at', 'ready_at', 'in_flight'),
];

export function outboxCsv({ commands }: Outbox): string {
  return csvText(COMMAND, commands);
}

export const OUTBOX_SCHEMA = {
  tags: ['calls'],
  summary: 'Commands that wait to be sent to Telnyx or are in flight, the oldest first',
  produces: JSON_OR_CSV,
  querystring: Type.Object({ limit }, { additionalProperties: false }),
  response: { 200: OUTBOX, 400: PROBLEM },
} as const;

export const DEAD_LETTERS = Type.Object({
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
});

type DeadLetters = Static<typeof DEAD_LETTERS>;
type Letter = DeadLetters['dead_letters'][number];

const LETTERS = members<Letter>('id', 'at', 'call_control_id', 'source', 'type', 'error');

export function deadLettersCsv({ dead_letters }: DeadLetters): string {
  return csvText(LETTERS, dead_letters);
}

export const LETTERS_SCHEMA = {
  tags: ['calls'],
  summary: 'Events that could not be processed, newest first',
  produces: JSON_OR_CSV,
  querystring: Type.Object(
    { limit, cursor: Type.Optional(Type.Integer({ minimum: 1 })) },
    { additionalProperties: false },
  ),
  response: { 200: DEAD_LETTERS, 400: PROBLEM },
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
  summary: 'Discard a dead letter',
  response: {
    200: Type.Object({ id: Type.Integer(), result: Type.Literal('discarded') }),
    400: PROBLEM,
    404: PROBLEM,
  },
} as const;
