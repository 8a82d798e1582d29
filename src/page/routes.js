/** The live routes: their content, what each replica runs, reloading, and forcing a schedule. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { getJson, postJson } from './api.js';
import { askUntil } from './ask-until.js';
import { alertOf, located } from './fields.js';
import { nextPanel } from './next-routes.js';
import { pathsView } from './paths.js';
import { schedulesView } from './schedules.js';
import { mayAct } from './session.js';
import { switchList } from './switches.js';
import { readUse, tablesPanel } from './tables.js';
import { targetTable } from './targets.js';
import { versionsView } from './versions.js';
import { age, count, duration, said, time, until } from './words.js';

const REFRESH_MS = 10_000;
const RULES_SHOWN = 200;

export function routesView(changed) {
  const paths = pathsView(changed);
  const versions = versionsView(changed, () => void load());
  const asking = askUntil(changed);
  const schedules = schedulesView(changed);
  let open = false;
  let timer;
  /** @type {import('./api.js').Answer} */
  let routes = null;
  /** @type {import('./api.js').Answer} */
  let targets = null;
  /** @type {import('./api.js').Answer} */
  let use = null;
  /** @type {Error | null} */
  let error = null;
  /** @type {{ busy: boolean, error: Error | null, done: import('./api.js').Answer }} */
  let reload = { busy: false, error: null, done: null };
  /** @type {{ name: string | null, error: Error | null, done: unknown }} */
  let forced = { name: null, error: null, done: null };

  async function load() {
    clearTimeout(timer);
    if (!open) return;
    try {
      [routes, targets] = await Promise.all([getJson('/v1/routes'), getJson('/v1/targets')]);
      use = await readUse(routes.tables);
      error = null;
      void schedules.refresh(routes);
      paths.refresh(routes.hash);
      versions.refresh(routes.hash);
    } catch (failure) {
      error = failure;
    }
    changed();
    if (open) timer = setTimeout(load, REFRESH_MS);
  }

  async function askReload() {
    reload = { busy: true, error: null, done: null };
    changed();
    try {
      reload = { busy: false, error: null, done: await postJson('/v1/routes/reload') };
    } catch (failure) {
      reload = { busy: false, error: failure, done: null };
    }
    await load();
    // From now on the page shows the refusal from the routes document, as after a SIGHUP.
    if (isRefusal(reload.error) && routes.last_refusal !== null) {
      reload = { ...reload, error: null };
      changed();
    }
  }

  async function force(name, isOpen, details) {
    try {
      const path = `/v1/schedules/${encodeURIComponent(name)}/override`;
      const { override } = await postJson(path, { open: isOpen, ...details });
      forced = { name, error: null, done: forcedWords(name, override) };
    } catch (failure) {
      forced = { name, error: failure, done: null };
    }
    void load();
  }

  async function turn(name, on, details) {
    try {
      const turned = await postJson(`/v1/switches/${encodeURIComponent(name)}`, { on, ...details });
      const word = turned.on ? 'on' : 'off';
      const done =
        turned.override === null
          ? `${name} is ${word}, as its default says.`
          : `${name} is turned ${word}.`;
      forced = { name, error: null, done };
    } catch (failure) {
      forced = { name, error: failure, done: null };
    }
    void load();
  }

  async function rest(name, on, details) {
    try {
      const path = `/v1/targets/${encodeURIComponent(name)}/rest`;
      const { resting } = await postJson(path, { on, ...details });
      forced = { name, error: null, done: `${name} ${resting ? 'rests' : 'is awake'}.` };
    } catch (failure) {
      forced = { name, error: failure, done: null };
    }
    void load();
  }

  return {
    title: () => 'Routes',
    open(params) {
      open = true;
      void load();
      versions.open(params.version);
    },
    close() {
      open = false;
      clearTimeout(timer);
      paths.close();
      schedules.close();
      versions.close();
      reload = { busy: false, error: null, done: null };
      forced = { name: null, error: null, done: null };
    },
    template() {
      const waiting = error === null ? html`<p class="empty">Loading…</p>` : nothing;
      return html`
        <h1 tabindex="-1">Routes</h1>
        ${alertOf(error)} ${routes === null ? waiting : whole()}`;
    },
  };

  function whole() {
    return html`
        <section class="panel" aria-labelledby="set-title">
          <h2 id="set-title">Live routes</h2>
          <dl class="facts">
            <div><dt>Hash</dt><dd class="break"><code>${routes.hash}</code></dd></div>
            <div><dt>Files</dt><dd>${routes.files.map((file, index) => html`${index === 0 ? nothing : ', '}<code>${file}</code>`)}</dd></div>
            <div><dt>Lists</dt><dd>${
              routes.lists.length === 0
                ? html`<span class="faint">none</span>`
                : routes.lists.map(
                    ({ name, entries }, index) =>
                      html`${index === 0 ? nothing : ', '}${said(name)} (${entries})`,
                  )
            }</dd></div>
          </dl>
          ${activation(routes.activated)}
          ${mayAct('admin') ? html`<p><button class="main" ?disabled=${reload.busy} @click=${askReload}>${reload.busy ? 'Loading…' : 'Reload the routes folder'}</button></p>` : nothing}
          <div role="status">${
            reload.done === null
              ? nothing
              : html`<p class="fine">${
                  reload.done.changed ? 'The new routes are live.' : 'Nothing changed.'
                }</p>${located(reload.done.warnings)}`
          }</div>
          ${alertOf(reload.error)}
          ${
            routes.last_refusal === null || isRefusal(reload.error)
              ? nothing
              : html`<div class="alert" role="alert"><p>The last reload was refused, ${time(routes.last_refusal.at)}. The routes above stay live.</p>
                ${located(routes.last_refusal.problems)}</div>`
          }
        </section>
        <section class="panel" aria-labelledby="schedules-title">
          <h2 id="schedules-title">Schedules and switches</h2>
          ${schedules.template(routes.schedules, { ask: asking.ask, force })}
          ${switchList(routes.switches, { ask: asking.ask, turn })}
          <div role="status">${forced.done === null ? nothing : html`<p class="fine">${forced.done}</p>`}</div>
          ${alertOf(forced.error)}
          ${asking.template()}
        </section>
        <div class="columns">
          <section class="panel" aria-labelledby="rules-title">
            <h2 id="rules-title">Rules, in order</h2>
            ${ruleList(routes.rules, paths.show)}
          </section>
          <section class="panel" aria-labelledby="targets-title">
            <h2 id="targets-title">Targets</h2>
            ${targetTable(routes.targets, targets.targets, asking.ask, rest)}
          </section>
        </div>
        <section class="panel" aria-labelledby="replicas-title">
          <h2 id="replicas-title">Replicas</h2>
          ${replicaTable(routes)}
        </section>
        ${tablesPanel(routes.tables, use, routes.numbers)}
        ${lookupPanel(routes.lookups)}
        ${paths.template()}
        ${nextPanel(routes.next)}
        ${versions.template()}`;
  }
}

function activation(activated) {
  if (activated === null) return nothing;
  return html`<div class="alert" role="alert"><p>This is an older version: ${said(activated.who)} went back to it, ${time(activated.at)}.
    The folder holds <code>${activated.folder.slice(0, 12)}</code>, which a reload makes live.</p></div>`;
}

function isRefusal(error) {
  return error?.problem?.reason === 'routes_refused';
}

function forcedWords(name, override) {
  if (override === null) return `${name} follows its schedule again.`;
  const { open, until: end } = override;
  return html`${said(name)} is forced ${open ? 'open' : 'closed'} ${end === null ? 'until further notice' : html`until ${until(end)}`}.`;
}

function replicaTable({ replicas, hash }) {
  if (replicas.length === 0) return html`<p class="empty">No replica has reported yet.</p>`;
  return html`<table><caption class="hidden">Replicas</caption>
    <thead><tr><th scope="col">Replica</th><th scope="col">Runs</th><th scope="col">Up</th><th scope="col">Seen</th></tr></thead>
    <tbody>${replicas.map(
      (replica) => html`<tr>
        <th scope="row"><code>${replica.id.slice(0, 8)}</code></th>
        <td><code>${replica.route_set?.slice(0, 12) ?? '–'}</code> ${
          replica.route_set === hash
            ? nothing
            : html`<span class="badge doubtful">different routes</span>`
        }${replica.refusal === null ? nothing : html` <span class="badge bad" title=${replica.refusal}>reload refused</span>`}</td>
        <td>${age(replica.started_at, null)}</td>
        <td>${time(replica.seen_at)}</td>
      </tr>`,
    )}</tbody></table>`;
}

function ruleList(rules, showPaths) {
  const otherwise = html`<p>otherwise ${pathsButton('otherwise', showPaths)}</p>`;
  if (rules.length === 0)
    return html`<p class="empty">The routes have no rules: every call runs otherwise.</p>${otherwise}`;
  const shown = rules.slice(0, RULES_SHOWN);
  return html`<ol class="rules">
      ${shown.map(
        ({
          name,
          file,
          line,
          handler,
        }) => html`<li><a href=${`#/calls?rule=${encodeURIComponent(name)}`}>${said(name)}</a>
          <span class="faint small"><code>${file}:${line}</code>${handler === null ? nothing : html` handler <code>${handler}</code>`}</span>
          ${pathsButton(name, showPaths)}</li>`,
      )}
    </ol>
    ${rules.length > shown.length ? html`<p class="faint">and ${count(rules.length - shown.length, 'more rule', 'more rules')}</p>` : nothing}
    ${otherwise}`;
}

function pathsButton(name, showPaths) {
  return html`<button aria-label=${`Paths of ${name}`} @click=${() => showPaths(name)}>Paths</button>`;
}

function lookupPanel(lookups) {
  if (lookups.length === 0) return nothing;
  return html`<section class="panel" aria-labelledby="lookups-title">
    <h2 id="lookups-title">Lookups</h2>
    <div class="scroll" tabindex="0"><table class="groups"><caption class="hidden">Lookups</caption>
      <thead><tr><th scope="col">Lookup</th><th scope="col">Asks</th><th scope="col">Keeps</th><th scope="col" class="number">Waits at most</th><th scope="col" class="number">Kept for other calls</th></tr></thead>
      <tbody>${lookups.map(
        ({ name, url, keep, timeout_ms, cache_ms }) => html`<tr>
          <th scope="row">${said(name)}</th>
          <td class="break broad"><code>${url}</code></td>
          <td>${keep.join(', ')}</td>
          <td class="number">${duration(timeout_ms)}</td>
          <td class="number">${cache_ms === null ? html`<span class="faint">no</span>` : duration(cache_ms)}</td>
        </tr>`,
      )}</tbody></table></div>
  </section>`;
}
