/**
 * Sessions of the page. The cookie says who signed in, when, and until when, signed with a key
 * derived from the server's secret and the person's token. So every replica accepts it, also after
 * a restart, and it ends when the token is removed or replaced. Each sign-in begins a new session.
 * Sessions ended by signing out are kept in the store until they would have expired anyway.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { Store } from '../../store/store.ts';
import { bothEnded, type Ended, hasEnded, stillToKnow, withEnded } from './ended-sessions.ts';
import type { People } from './people.ts';
import type { Person } from './person.ts';
import { SESSION_IDLE_MS, SESSION_MS_MAX } from './session-time.ts';

export const SESSION_COOKIE = 'referee_session';
/** How often the cookie of a session in use is renewed. */
const RENEW_MS = 60 * 60_000;
/** How long a sign-out on another replica may go unnoticed here. */
const ENDED_FRESH_MS = 5_000;
/** How long a request waits for the store's list of ended sessions. */
const STORE_WAIT_MS = 500;
const COOKIE_CHARS_MAX = 1_024;

export interface Session {
  id: string;
  person: Person;
  /** The time of the sign-in. */
  since: number;
  until: number;
}

export type ReadSession =
  | { result: 'good'; session: Session; renewed: string | null }
  /** Not one of our cookies, or its token is gone. */
  | { result: 'wrong' }
  /** A session that has expired or was ended by signing out. */
  | { result: 'over' };

export interface Sessions {
  begin(person: Person): { session: Session; cookie: string };
  read(cookie: string): Promise<ReadSession>;
  /**
   * Answers at once, by the list that was read last, and has it read again if it is old: a session
   * that was ended on another replica is over here some seconds later.
   */
  isOver(session: Session): boolean;
  end(session: Session): Promise<void>;
}

export interface SessionsOptions {
  secret: string;
  people: Pick<People, 'named'>;
  store: Pick<Store, 'setting' | 'changeSetting'>;
  now: () => number;
}

export function createSessions({ secret, people, store, now }: SessionsOptions): Sessions {
  let ended: Ended = {};
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<unknown> = Promise.resolve();

  function cookieOf({ id, person, since, until }: Session): string {
    const claims = JSON.stringify([id, person.name, since, until]);
    const text = Buffer.from(claims).toString('base64url');
    return `${text}.${sign(text, person).toString('base64url')}`;
  }

  function sign(text: string, { digest }: Person): Buffer {
    const key = createHmac('sha256', secret).update('referee session ').update(digest).digest();
    return createHmac('sha256', key).update(text).digest();
  }

  /** If the store cannot be reached, the last known list is used, so that nobody is signed out. */
  async function refresh(): Promise<void> {
    const at = performance.now();
    if (at - readAt >= ENDED_FRESH_MS) {
      readAt = at;
      const read = store.setting('sessions').then(
        ({ value }) => {
          ended = bothEnded((value ?? {}) as Ended, ended);
        },
        () => {},
      );
      reading = Promise.race([read, setTimeout(STORE_WAIT_MS, undefined, { ref: false })]);
    }
    // Also if another request began it: after a start nothing is known before it has ended.
    await reading;
  }

  function isOver({ id, person, since, until }: Session): boolean {
    return until <= now() || hasEnded(ended, { id, name: person.name, since });
  }

  return {
    begin(person) {
      const since = now();
      const id = randomBytes(16).toString('base64url');
      const session = { id, person, since, until: since + SESSION_IDLE_MS };
      return { session, cookie: cookieOf(session) };
    },

    async read(cookie) {
      const session = sessionIn(cookie);
      if (session === null) return { result: 'wrong' };
      await refresh();
      if (isOver(session)) return { result: 'over' };
      const until = Math.min(now() + SESSION_IDLE_MS, session.since + SESSION_MS_MAX);
      if (until - session.until < RENEW_MS) return { result: 'good', session, renewed: null };
      const longer = { ...session, until };
      return { result: 'good', session: longer, renewed: cookieOf(longer) };
    },

    isOver(session) {
      void refresh();
      return isOver(session);
    },

    async end({ id, person, since }) {
      ended = withEnded(stillToKnow(ended, now()), { id, name: person.name, since });
      await store.changeSetting('sessions', (before) =>
        stillToKnow(bothEnded((before ?? {}) as Ended, ended), now()),
      );
    },
  };

  function sessionIn(cookie: string): Session | null {
    const [text = '', signature = '', ...rest] = cookie.split('.');
    if (cookie.length > COOKIE_CHARS_MAX || rest.length > 0) return null;
    const claims = claimsIn(text);
    const person = claims === null ? null : people.named(claims.name);
    if (claims === null || person === null) return null;
    const expected = sign(text, person);
    const given = Buffer.from(signature, 'base64url');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
    const { id, since, until } = claims;
    return { id, person, since, until };
  }
}

function claimsIn(text: string) {
  try {
    const [id, name, since, until] = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (typeof id !== 'string' || typeof name !== 'string') return null;
    return typeof since === 'number' && typeof until === 'number'
      ? { id, name, since, until }
      : null;
  } catch {
    return null;
  }
}

/** A cookie that JavaScript cannot read and other sites cannot send; null removes it. */
export function setCookie(value: string | null, isHttps: boolean): string {
  const secs = value === null ? 0 : SESSION_IDLE_MS / 1000;
  const secure = isHttps ? '; Secure' : '';
  return `${SESSION_COOKIE}=${value ?? ''}; Path=/; Max-Age=${secs}; HttpOnly; SameSite=Strict${secure}`;
}

export function cookieIn(header: string | undefined): string | null {
  for (const part of (header ?? '').split(';')) {
    const [name = '', ...value] = part.trim().split('=');
    if (name === SESSION_COOKIE && value.length > 0) return value.join('=');
  }
  return null;
}
