/** The token: typed in, kept only in this tab, sent as a header, never part of a URL. */
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
    // Storage is disabled: the token is kept as long as the page is open.
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
