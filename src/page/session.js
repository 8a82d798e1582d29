/**
 * Who is signed in. The token is sent once; after that the browser holds the cookie of a session,
 * which scripts cannot read and all tabs share.
 */
import { deleteJson, getJson, postJson } from './api.js';

/** Says only that there may be a session, so that a first visit asks for nothing. */
const HINT = 'referee-session';
const ROLES = ['viewer', 'operator', 'admin'];

/** @type {{ name: string, role: string } | null} */
let person = null;

export function whoami() {
  return person;
}

/** @param {'viewer' | 'operator' | 'admin'} role */
export function mayAct(role) {
  return person !== null && ROLES.indexOf(person.role) >= ROLES.indexOf(role);
}

/** The session of an earlier visit or another tab, if it still lasts. */
export async function resume() {
  if (!hinted()) return;
  person = await getJson('/v1/session');
}

/** @param {string} token */
export async function signIn(token) {
  person = await postJson('/v1/session', { token });
  hint(true);
}

/** For every tab. */
export async function signOut() {
  forget();
  await deleteJson('/v1/session');
}

/** The server says that it is over. */
export function forget() {
  person = null;
  hint(false);
}

function hinted() {
  try {
    return localStorage.getItem(HINT) !== null;
  } catch {
    // Storage is disabled: the server knows.
    return true;
  }
}

function hint(on) {
  try {
    if (on) localStorage.setItem(HINT, 'yes');
    else localStorage.removeItem(HINT);
  } catch {
    // Then every visit asks.
  }
}
