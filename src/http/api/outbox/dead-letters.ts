/** Dead letters: events that could not be processed, to try again or to discard. */
import { iso } from '../../../core/iso-time.ts';
import type { Receiver } from '../../../engine/engine.ts';
import { eventOfLetter } from '../../../engine/receiving/letters.ts';
import type { DeadLetter } from '../../../store/contract/dead-letters.ts';
import type { Store } from '../../../store/store.ts';
import { HTTP_LIMITS } from '../../limits.ts';
import { OPERATOR, VIEWER } from '../../people/roles.ts';
import { type Problem, sendProblem } from '../../problem.ts';
import type { ApiScope } from '../api.ts';
import type { Audit } from '../audit.ts';
import { jsonOrCsv } from '../csv.ts';
import { DISCARD_SCHEMA, deadLettersCsv, LETTERS_SCHEMA, RETRY_SCHEMA } from './outbox-schemas.ts';

export interface DeadLettersDeps {
  store: Pick<Store, 'deadLetters' | 'findDeadLetter' | 'dropDeadLetter'>;
  receiver: Receiver;
  audit: Audit;
}

export function registerDeadLetters(app: ApiScope, deps: DeadLettersDeps): void {
  const { store, receiver, audit } = deps;
  app.get(
    '/v1/dead-letters',
    { schema: LETTERS_SCHEMA, config: VIEWER },
    async (request, reply) => {
      const { limit = HTTP_LIMITS.callsPageDefault, cursor } = request.query;
      const letters = await store.deadLetters(limit + 1, cursor ?? null);
      const shown = letters.slice(0, limit);
      const next = letters.length > limit ? (shown.at(-1)?.id ?? null) : null;
      return jsonOrCsv(
        request,
        reply,
        { dead_letters: shown.map(letterJson), next },
        deadLettersCsv,
      );
    },
  );

  app.post(
    '/v1/dead-letters/:id/retry',
    { schema: RETRY_SCHEMA, config: { ...OPERATOR, action: 'dead_letter_retry' } },
    async (request, reply) => {
      const id = Number(request.params.id);
      const letter = await store.findDeadLetter(id);
      if (letter === null) return sendProblem(reply, noSuchLetter(id));
      const event = eventOfLetter(letter.event);
      const result = await audit.record(
        request,
        { to: String(id) },
        async () => {
          if (event === null) return 'dead_letter' as const;
          const received = await receiver.receive(event);
          // If it failed again, it has become a new dead letter with the new error.
          await store.dropDeadLetter(id);
          return received.result;
        },
        (became) => ({ result: RETRIED[became] }),
      );
      if (result === 'dead_letter') return sendProblem(reply, failedAgain(event === null));
      return { id, result };
    },
  );

  app.post(
    '/v1/dead-letters/:id/discard',
    { schema: DISCARD_SCHEMA, config: { ...OPERATOR, action: 'dead_letter_discard' } },
    async (request, reply) => {
      const id = Number(request.params.id);
      const dropped = await audit.record(
        request,
        { to: String(id) },
        () => store.dropDeadLetter(id),
        (was) => ({ result: was ? 'ok' : 'no_such_dead_letter' }),
      );
      if (!dropped) return sendProblem(reply, noSuchLetter(id));
      return { id, result: 'discarded' as const };
    },
  );
}

const RETRIED = {
  committed: 'ok',
  duplicate: 'duplicate',
  refused: 'refused',
  dead_letter: 'dead_letter_again',
} as const;

function letterJson({ id, at, error, event }: DeadLetter) {
  const found = eventOfLetter(event);
  return {
    id,
    at: iso(at),
    error,
    call_control_id: found?.callId ?? null,
    source: found?.source ?? null,
    type: found?.type ?? null,
  };
}

function noSuchLetter(id: number): Problem {
  return {
    status: 404,
    reason: 'no_such_dead_letter',
    detail: `There is no dead letter ${id}; GET /v1/dead-letters lists them.`,
  };
}

function failedAgain(unreadable: boolean): Problem {
  return {
    status: 422,
    reason: 'dead_letter_again',
    detail: unreadable
      ? 'The stored letter is no longer a valid event; it can only be discarded.'
      : 'It could not be processed this time either; it is kept again with the new error.',
  };
}
