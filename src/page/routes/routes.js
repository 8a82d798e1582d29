/** The live routes: their content, what each replica runs, reloading, and overriding a schedule. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { alertOf } from '../forms/fields.js';
import { getJson } from '../server/api.js';
import { rounds } from '../server/rounds.js';
import { liveRoutes } from './live-routes.js';
import { lookupsPanel } from './lookups.js';
import { nextPanel } from './next-routes.js';
import { overrides } from './overrides.js';
import { pathsView } from './paths.js';
import { replicasPanel } from './replicas.js';
import { rulesPanel } from './rules.js';
import { schedulesView } from './schedules.js';
import { switchList } from './switches.js';
import { readUse, tablesPanel } from './tables.js';
import { targetsPanel } from './targets.js';
import { versionsView } from './versions.js';

const REFRESH_MS = 10_000;

export function routesView(changed) {
  /** @type {import('../server/api.js').Answer} */
  let routes = null;
  /** @type {import('../server/api.js').Answer} */
  let targets = null;
  /** @type {import('../server/api.js').Answer} */
  let use = null;
  /** @type {Error | null} */
  let error = null;
  const reading = rounds(REFRESH_MS, read);
  const live = liveRoutes(changed, readAgain);
  const forced = overrides(changed, readAgain);
  const schedules = schedulesView(changed);
  const paths = pathsView(changed);
  const versions = versionsView(changed, readAgain);

  async function read() {
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
  }

  async function readAgain() {
    await reading.again();
    return routes;
  }

  return {
    title: () => 'Routes',
    open(params) {
      void reading.start();
      versions.open(params.version);
    },
    close() {
      reading.stop();
      for (const part of [live, forced, schedules, paths, versions]) part.close();
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
      ${live.template(routes)}
      <section class="panel" aria-labelledby="schedules-title">
        <h2 id="schedules-title">Schedules and switches</h2>
        ${schedules.template(routes.schedules, forced)}
        ${switchList(routes.switches, forced)}
        ${forced.template()}
      </section>
      <div class="columns rule-columns">
        ${rulesPanel(routes.rules, paths.show)}
        ${targetsPanel(routes.targets, targets.targets, forced)}
      </div>
      ${replicasPanel(routes)}
      ${tablesPanel(routes.tables, use, routes.numbers)}
      ${lookupsPanel(routes.lookups)}
      ${paths.template()}
      ${nextPanel(routes.next)}
      ${versions.template()}`;
  }
}
