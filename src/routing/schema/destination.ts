/** A SIP address and how to reach it, in a target or directly in a step. */
import Type, { type Static } from 'typebox';
import { duration, headerKey, oneOf, record, text, via } from './words.ts';

export const HOW_TO_REACH = {
  sip: text('SIP URI', {
    description:
      'The Refer-To address. The user part may contain {from} {to} {from_user} {to_user} {call_session_id} {header:X-Name} {lookup:name.field}; {row:column} may stand anywhere.',
    examples: ['sip:support@pbx.example.com'],
  }),
  timeout: Type.Optional(duration('Time limit of one attempt; default 30s.')),
  user_to_user: Type.Optional(
    text('User-to-User', {
      description: 'Sent as the User-to-User header.',
      examples: ['{call_session_id}'],
    }),
  ),
  headers: Type.Optional(
    record('custom headers', headerKey('X-Queue'), text('header value', { examples: ['support'] })),
  ),
  bye_without_verdict: Type.Optional(
    oneOf(
      'bye_without_verdict',
      ['unconfirmed', 'completed'] as const,
      'What a hangup means while a REFER is open; default unconfirmed.',
    ),
  ),
  via: Type.Optional(
    via('How callers are moved to it; the next way follows where a REFER is refused.'),
  ),
};

const destination = Type.Object(HOW_TO_REACH);
export type WrittenDestination = Static<typeof destination>;
