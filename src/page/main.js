/**
 * The operator's page: sign-in, the open view and the event stream. Every view is a function of its
 * own state; `changed` redraws it at the next frame, and lit-html updates only what differs.
 */
import { html, nothing, render } from '/assets/lit-html/lit-html.js';
import { activityView } from './activity.js';
import { onRefused } from './api.js';
import { callView } from './call.js';
import { callsView } from './calls.js';
import { explainView } from './explain.js';
import { tidyNumber, valuesOf } from './fields.js';
import { follow } from './follow.js';
import { outboxView } from './outbox.js';
import { overviewView } from './overview.js';
import { readiness } from './readiness.js';
import { reportsView } from './reports.js';
import { routesView } from './routes.js';
import { forget, resume, signIn, signOut, whoami } from './session.js';
import { ZONE } from './words.js';

const TICK_MS = 1_000;
const PLACES_KEPT = 50;

const root = document.getElementById('page') ?? document.body;
const views = {
  overview: overviewView(changed),
  calls: callsView(changed),
  call: callView(changed),
  explain: explainView(changed),
  routes: routesView(changed),
  reports: reportsView(changed),
  activity: activityView(changed),
  outbox: outboxView(changed),
};
const NAVIGATION = [
  ['overview', '#/', 'Overview'],
  ['calls', '#/calls', 'Calls'],
  ['explain', '#/explain', 'Explain'],
  ['routes', '#/routes', 'Routes'],
  ['reports', '#/reports', 'Reports'],
  ['activity', '#/activity', 'Activity'],
  ['outbox', '#/outbox', 'Out to Telnyx'],
];

let place = placeOf(location.hash);
/** The scroll position and the view's own state for each history entry. */
const places = new Map();
let hashHere = location.hash;
let entry = entryOfHistory(null);
let connection = 'connecting';
/** @type {{ reason: string, detail: string } | null} */
let notReady = null;
let signInError = null;
let checking = false;
let starting = true;
/** @type {(() => void) | null} */
let stopFollowing = null;
let drawing = false;

onRefused((error) => leave(whoami() === null ? null : error.message));
// We restore the scroll position, because the browser would do so before the list is drawn.
history.scrollRestoration = 'manual';
addEventListener('hashchange', () => go(true));
readiness((reason) => {
  notReady = reason;
  changed();
});
setInterval(() => document.visibilityState === 'visible' && changed(), TICK_MS);
void begin();

/** Uses an existing session, also one from another tab. */
async function begin() {
  try {
    await resume();
    if (whoami() !== null) enter();
  } catch (error) {
    if (error.status !== 401) signInError = error.message;
  }
  starting = false;
  changed();
}

export function changed() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    if (starting) return;
    render(whoami() === null ? signInPage() : signedInPage(), root);
    document.title = `${whoami() === null ? 'Sign in' : views[place.view].title()} – Referee`;
    views[place.view].drawn?.();
  });
}

function enter() {
  stopFollowing?.();
  connection = 'connecting';
  stopFollowing = follow({
    onCall: (call) => {
      for (const view of Object.values(views)) view.onCall?.(call);
      changed();
    },
    onReset: () => views[place.view].refresh?.(),
    onState: (state) => {
      connection = state;
      changed();
    },
  });
  go(false);
}

function leave(message) {
  stopFollowing?.();
  stopFollowing = null;
  forget();
  signInError = message;
  places.clear();
  for (const view of Object.values(views)) view.close?.();
  changed();
}

async function goAway() {
  leave(null);
  await signOut().catch((error) => {
    signInError = error.message;
    changed();
  });
}

function go(moveFocus) {
  const before = place;
  if (moveFocus) keepPlace(before);
  entry = entryOfHistory(hashHere);
  hashHere = location.hash;
  place = placeOf(hashHere);
  if (whoami() === null) return;
  const known = places.get(entry);
  const elsewhere = before.view !== place.view || before.id !== place.id;
  if (before.view !== place.view) views[before.view].close?.();
  views[place.view].open(place.params, { kept: known?.view ?? null, from: history.state.from });
  changed();
  if (!moveFocus || !(elsewhere || known !== undefined)) return;
  requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      scrollTo(0, known?.scroll ?? 0);
      if (elsewhere) landing(before).focus({ preventScroll: true });
    }),
  );
}

/**
 * Moves keyboard and screen reader focus to the new view's heading, or back to the call that was
 * open.
 */
function landing(before) {
  /** @type {HTMLElement | null} */
  const row = document.querySelector(`[data-call="${CSS.escape(before.id ?? '')}"] a`);
  return row ?? document.querySelector('h1') ?? document.body;
}

function keepPlace({ view }) {
  places.delete(entry);
  places.set(entry, { scroll: scrollY, view: views[view].keep?.() ?? null });
  if (places.size > PLACES_KEPT) places.delete(places.keys().next().value);
}

/** Each history entry has its own name; a link creates one, back and forward do not. */
function entryOfHistory(from) {
  if (typeof history.state?.entry !== 'string') {
    history.replaceState({ entry: `${performance.timeOrigin} ${performance.now()}`, from }, '');
  }
  return history.state.entry;
}

/** `#/calls?rule=support`, `#/calls/<id>`. */
function placeOf(hash) {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const params = Object.fromEntries(new URLSearchParams(search));
  const [view, id] = path.split('/', 2);
  if (view === 'calls' && id !== undefined) {
    const callId = decoded(id);
    return { view: 'call', id: callId, params: { id: callId } };
  }
  return { view: Object.hasOwn(views, view) && view !== 'call' ? view : 'overview', params };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function signedInPage() {
  return html`
    <a class="skip" href="#main" @click=${skip}>Skip to the content</a>
    <header class="bar">
      <a class="brand" href="#/"><img src="/assets/page/icon.svg" alt="" width="22" height="22">Referee</a>
      <nav aria-label="Views">
        ${NAVIGATION.map(
          ([view, href, text]) => html`<a href=${href}
            aria-current=${isHere(view) ? 'page' : nothing}>${text}</a>`,
        )}
      </nav>
      <form class="search" role="search" @submit=${search}>
        <input name="text" aria-label="Number, call id or name" placeholder="Number, id, name" autocomplete="off"
          autocapitalize="off" spellcheck="false" maxlength="1024">
        <button>Find</button>
      </form>
      ${connectionState()}
      <p class="who">${whoami()?.name} <span class="faint">${whoami()?.role}</span></p>
      <button class="quiet" @click=${goAway}>Sign out</button>
    </header>
    <main id="main" tabindex="-1">${views[place.view].template()}</main>
    <footer class="faint small">Times in ${ZONE}.</footer>`;
}

const CONNECTION_WORDS = {
  connecting: 'Connecting…',
  live: 'Live',
  lost: 'Connection lost. Retrying…',
};

const NOT_READY_WORDS = {
  store: 'Store down',
  starting: 'Starting…',
  stopping: 'Stopping…',
};

/** Green only while updates arrive and the server is ready. */
function connectionState() {
  const trouble = connection === 'live' ? notReady : null;
  return html`<p class="connection ${trouble === null ? connection : 'troubled'}" role="status"
    title=${trouble?.detail ?? nothing}>${
      trouble === null
        ? CONNECTION_WORDS[connection]
        : (NOT_READY_WORDS[trouble.reason] ?? 'Not ready')
    }</p>`;
}

function isHere(view) {
  return place.view === view || (view === 'calls' && place.view === 'call');
}

function skip(event) {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function search(event) {
  event.preventDefault();
  const { text = '' } = valuesOf(event.target);
  if (text === '') return;
  event.target.reset();
  const isId = /^v\d:/.test(text) || /^[\da-f]{8}-[\da-f]{4}-/i.test(text);
  location.hash = isId
    ? `#/calls/${encodeURIComponent(text)}`
    : `#/calls?q=${encodeURIComponent(tidyNumber(text))}`;
}

function signInPage() {
  return html`<main id="main" class="sign-in">
    <form @submit=${trySignIn}>
      <h1><img src="/assets/page/icon.svg" alt="" width="32" height="32"> Referee</h1>
      <label class="field">
        <span>Token</span>
        <input name="token" type="password" autocomplete="current-password" required autofocus
          aria-describedby="token-hint" aria-invalid=${signInError === null ? 'false' : 'true'}>
        <small id="token-hint">The server's ADMIN_TOKEN, or yours. It is sent once and not kept.</small>
      </label>
      <button class="main" ?disabled=${checking}>${checking ? 'Checking…' : 'Sign in'}</button>
      <p class="sign-in-error" role="alert">${signInError}</p>
    </form>
  </main>`;
}

async function trySignIn(event) {
  event.preventDefault();
  const { token: typed = '' } = valuesOf(event.target);
  // A token may be sent as a header too, so it only contains visible ASCII.
  if (!/^[!-~]+$/.test(typed))
    return leave('A token contains only ASCII characters and no spaces.');
  checking = true;
  signInError = null;
  changed();
  try {
    await signIn(typed);
    enter();
  } catch (error) {
    leave(error.message);
  } finally {
    checking = false;
    changed();
  }
}
