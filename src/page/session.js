/** The token: typed in, kept for this tab alone, sent as a header, never part of an address. */
const NAME = 'referee-token';
let held = read();

export function token() {
  return held;
}

export function signIn(text) {
  held = text;
  try {
    sessionStorage.setItem(NAME, text);
  } catch {
    // Storage is switched off: the token lives as long as the page.
  }
}

export function signOut() {
  held = null;
  try {
    sessionStorage.removeItem(NAME);
  } catch {
    // Nothing was kept.
  }
}

function read() {
  try {
    return sessionStorage.getItem(NAME);
  } catch {
    return null;
  }
}
