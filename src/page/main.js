/**
 * The operator's page: sign-in, the open view and the event stream. Every view is a function of its
 * own state; `changed` redraws it at the next frame, and lit-html updates only what differs.
 */
import { html, render } from '/assets/lit-html/lit-html.js';
import { activityView } from './activity.js';
import { callView } from './call/call.js';
import { explainView } from './call/explain.js';
import { callsView } from './calls/calls.js';
import { bar } from './frame/bar.js';
import { connectionMark } from './frame/connection.js';
import { historyEntries } from './frame/history-entries.js';
import { signInPage } from './frame/sign-in.js';
import { outboxView } from './outbox.js';
import { overviewView } from './overview/overview.js';
import { reportsView } from './reports/reports.js';
import { routesView } from './routes/routes.js';
import { onRefused } from './server/api.js';
import { follow } from './server/follow.js';
import { forget, resume, signOut, whoami } from './server/session.js';
import { ZONE } from './words/words.js';

const TICK_MS = 1_000;
const AGAIN_MS = 2_000;

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
const entries = historyEntries();
const connection = connectionMark(changed);
const signInForm = signInPage(changed, enter);

let place = placeOf(location.hash);
let starting = true;
/** @type {(() => void) | null} */
let stopFollowing = null;
let drawing = false;

// Several requests learn at once that the session has ended; the first one says it.
onRefused((error) => (whoami() === null ? forget() : leave(error.message)));
addEventListener('hashchange', () => go(true));
setInterval(() => document.visibilityState === 'visible' && changed(), TICK_MS);
void begin();

/** Uses an existing session, also one from another tab, as soon as the server can be asked. */
async function begin() {
  if (whoami() !== null) return;
  try {
    await resume();
    signInForm.refuse(null);
    if (whoami() !== null) enter();
  } catch (error) {
    const isKnown = error.status === 401;
    signInForm.refuse(isKnown ? null : error.message);
    if (!isKnown) setTimeout(begin, AGAIN_MS);
  }
  starting = false;
  changed();
}

function changed() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    if (starting) return;
    render(whoami() === null ? signInForm.template() : signedInPage(), root);
    document.title = `${whoami() === null ? 'Sign in' : views[place.view].title()} – Referee`;
    views[place.view].drawn?.();
  });
}

function signedInPage() {
  return html`${bar(place.view, connection.template(), goAway)}
    <main id="main" tabindex="-1">${views[place.view].template()}</main>
    <footer class="faint small">Times in ${ZONE}.</footer>`;
}

function enter() {
  stopFollowing?.();
  connection.set('connecting');
  stopFollowing = follow({
    onCall: (call) => {
      for (const view of Object.values(views)) view.onCall?.(call);
      changed();
    },
    onReset: () => views[place.view].refresh?.(),
    onState: connection.set,
  });
  go(false);
}

function leave(message) {
  stopFollowing?.();
  stopFollowing = null;
  forget();
  entries.forget();
  for (const view of Object.values(views)) view.close?.();
  signInForm.refuse(message);
}

async function goAway() {
  leave(null);
  await signOut().catch((error) => signInForm.refuse(error.message));
}

function go(moveFocus) {
  const before = place;
  if (moveFocus) entries.keep(views[before.view].keep?.() ?? null);
  const known = entries.arrive();
  place = placeOf(location.hash);
  if (whoami() === null) return;
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
