/**
 * Who is signed in. The token is sent only once; after that the browser has a session cookie, which
 * scripts cannot read and all tabs share.
 */
import { deleteJson, getJson, postJson } from './api.js';

/** Only says that there may be a session, so that a first visit makes no request. */
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

/** Signs out in all tabs. */
export async function signOut() {
  forget();
  await deleteJson('/v1/session');
}

/** Called when the server says that the session has ended. */
export function forget() {
  person = null;
  hint(false);
}

function hinted() {
  try {
    return localStorage.getItem(HINT) !== null;
  } catch {
    // Storage is disabled, so the server must be asked.
    return true;
  }
}

function hint(on) {
  try {
    if (on) localStorage.setItem(HINT, 'yes');
    else localStorage.removeItem(HINT);
  } catch {
    // Storage is disabled, so every visit asks the server.
  }
}
