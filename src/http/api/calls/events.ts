/**
 * Live updates as server-sent events, read from the store and so from every replica. A stream ends
 * when the client's token or session does. A client that reconnects sends Last-Event-ID and misses
 * nothing, or gets `reset`, which means that it must reload its lists.
 */
import { Type } from 'typebox';
import { loadKeys } from '../../../store/contract/calls.ts';
import type { Changes } from '../../../store/contract/changes.ts';
import type { Store } from '../../../store/store.ts';
import { HTTP_LIMITS } from '../../limits.ts';
import type { Access } from '../../people/access.ts';
import { VIEWER } from '../../people/roles.ts';
import { sendProblem } from '../../problem.ts';
import type { ApiScope } from '../api.ts';
import { LEGS, PROBLEM } from '../schemas.ts';
import { callSummary } from './calls-json.ts';
import { createEventStreams, eventText } from './event-streams.ts';

export interface EventsDeps {
  store: Pick<Store, 'changes' | 'load'>;
  access: Pick<Access, 'stillMay'>;
}

export function registerEvents(app: ApiScope, deps: EventsDeps): void {
  const streams = createEventStreams((after, legs) => readChanges(deps, after, legs));
  // No HEAD route: an answer without a body would also stay open.
  app.get(
    '/v1/events',
    { schema: SCHEMA, config: VIEWER, exposeHeadRoute: false },
    (request, reply) => {
      // Of one token, people at different addresses are different viewers.
      const viewer = `${request.person?.name} ${request.ip}`;
      if (!streams.admit(viewer)) {
        sendProblem(reply, {
          status: 503,
          reason: 'too_many_streams',
          detail: `${HTTP_LIMITS.eventStreamsMax} event streams are open already, and you have as many as anybody.`,
          retryAfterSecs: HTTP_LIMITS.eventHeartbeatMs / 1000,
        });
        return;
      }
      const last = request.headers['last-event-id'];
      reply.hijack();
      streams.open(reply.raw, {
        viewer,
        after: typeof last === 'string' && last !== '' ? last : null,
        legs: request.query.legs === 'all',
        stillMay: () => deps.access.stillMay(request),
      });
    },
  );
  app.addHook('preClose', async () => streams.close());
}

async function readChanges(
  { store }: EventsDeps,
  after: string | null,
  legs: boolean,
): Promise<{ text: string; cursor: string }> {
  const changes = await store.changes(after, HTTP_LIMITS.eventBatch);
  return { text: await textOf(changes, after, legs, store), cursor: changes.cursor };
}

/**
 * The id is on the last event of a batch, so a client that is cut off in the middle gets the batch
 * again.
 */
async function textOf(
  { callIds, cursor, missed }: Changes,
  after: string | null,
  legs: boolean,
  store: Pick<Store, 'load'>,
): Promise<string> {
  if (after === null) return eventText('hello', {}, cursor);
  if (missed) return eventText('reset', {}, cursor);
  if (callIds.length === 0) return '';
  const loaded = await store.load(loadKeys({ callIds }));
  const changed = callIds.flatMap((id) => loaded.calls.get(id)?.call ?? []);
  const calls = legs ? changed : changed.filter(({ parentId }) => parentId === null);
  return calls
    .map((call, index) =>
      eventText('call', callSummary(call), index === calls.length - 1 ? cursor : null),
    )
    .join('');
}

const SCHEMA = {
  tags: ['calls'],
  summary:
    'Server-sent events: `call` with the summary of a call that changed, `reset` to reload the lists',
  querystring: Type.Object({ legs: LEGS }, { additionalProperties: false }),
  response: {
    200: {
      description: 'A stream that stays open',
      content: { 'text/event-stream': { schema: Type.String() } },
    },
    503: PROBLEM,
  },
} as const;
