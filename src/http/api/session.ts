/** Signing in and out of the page: a session instead of a token in the browser. */
import { Type } from 'typebox';
import { iso } from '../../core/iso-time.ts';
import { HTTP_LIMITS } from '../limits.ts';
import type { Access } from '../people/access.ts';
import type { Person } from '../people/person.ts';
import { ANYONE, ROLES, VIEWER } from '../people/roles.ts';
import { isHttps } from '../people/same-site.ts';
import { type Session, type Sessions, setCookie } from '../people/sessions.ts';
import type { ApiScope } from './api.ts';
import type { Audit } from './audit.ts';
import { orNull, PROBLEM } from './schemas.ts';

export interface SessionDeps {
  access: Access;
  sessions: Sessions;
  audit: Audit;
}

export function registerSession(app: ApiScope, { access, sessions, audit }: SessionDeps): void {
  app.get('/v1/session', { schema: GET_SCHEMA, config: VIEWER }, async (request) => {
    return sessionJson(request.person, request.session);
  });

  app.post('/v1/session', { schema: POST_SCHEMA, config: ANYONE }, async (request, reply) => {
    const person = access.signIn(request.body.token, request, reply);
    if (person === null) return reply;
    // A sign-in always begins a new session, whatever cookie the request brought.
    const { session, cookie } = sessions.begin(person);
    request.person = person;
    await audit.done(request, 'sign_in');
    reply.header('set-cookie', setCookie(cookie, isHttps(request)));
    return sessionJson(person, session);
  });

  app.delete('/v1/session', { schema: DELETE_SCHEMA, config: ANYONE }, async (request, reply) => {
    const { session } = request;
    reply.header('set-cookie', setCookie(null, isHttps(request)));
    if (session !== null) {
      await sessions.end(session);
      await audit.done(request, 'sign_out');
    }
    return reply.code(204).send(null);
  });
}

function sessionJson(person: Person | null, session: Session | null) {
  const until = iso(session?.until ?? null);
  return { name: person?.name ?? '', role: person?.role ?? 'viewer', until };
}

const SESSION = Type.Object({
  name: Type.String(),
  role: Type.Enum([...ROLES]),
  until: orNull(
    Type.String({
      format: 'date-time',
      description: 'When it ends if it is not used; null for a token',
    }),
  ),
});

const GET_SCHEMA = {
  tags: ['people'],
  summary: 'Who I am, and what I may do',
  response: { 200: SESSION },
} as const;

const POST_SCHEMA = {
  tags: ['people'],
  summary: 'Sign in with a token: the answer sets the cookie of a session',
  security: [],
  body: Type.Object(
    { token: Type.String({ minLength: 1, maxLength: HTTP_LIMITS.tokenCharsMax }) },
    { additionalProperties: false },
  ),
  response: { 200: SESSION, 400: PROBLEM, 401: PROBLEM, 403: PROBLEM, 429: PROBLEM },
} as const;

const DELETE_SCHEMA = {
  tags: ['people'],
  summary: 'Sign out: the session ends',
  security: [],
  response: { 204: { type: 'null', description: 'Signed out' }, 403: PROBLEM },
} as const;
