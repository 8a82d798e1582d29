/** Reports: numbers of callers in a period, compared with the week before. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { alertOf, unread, valuesOf } from '../forms/fields.js';
import { getJson, send } from '../server/api.js';
import { newest } from '../server/newest.js';
import { rounds } from '../server/rounds.js';
import { now } from '../server/server-time.js';
import { clock, day, hour, ZONE } from '../words/words.js';
import { outcomeLegend, reportChart } from './charts.js';
import { lossTable } from './losses.js';
import { besideTable, outcomeTable, reportWords } from './numbers.js';
import {
  addressOf,
  askedOf,
  BY,
  COMPARED,
  datesOf,
  momentsOf,
  PERIODS,
  queryOf,
} from './period.js';

const REFRESH_MS = 60_000;
/** A company may have ten thousand numbers; the CSV has all of them. */
const ROWS_MAX = 200;

export function reportsView(changed) {
  let asked = askedOf({});
  /** @type {ReturnType<typeof newest<import('../server/api.js').Answer>>} */
  const report = newest(changed);
  const reading = rounds(REFRESH_MS, () => {
    const query = queryOf(asked);
    return report.read(asked, async () => ({
      ...(await getJson('/v1/reports', query)),
      readAt: new Date(now()).toISOString(),
    }));
  });

  async function download() {
    try {
      await downloadCsv(report.found);
      report.error = null;
    } catch (failure) {
      report.error = failure;
    }
    changed();
  }

  return {
    title: () => 'Reports',
    open(params) {
      asked = askedOf(params);
      // Never shows numbers under a filter that they do not belong to.
      report.forget();
      void reading.start();
    },
    close() {
      reading.stop();
      report.forget();
    },
    refresh: () => void reading.again(),
    template: () => html`
      ${form(asked)}
      ${alertOf(report.error)}
      ${report.found === null ? html`<section class="panel" aria-label="Report"><p class="empty">${unread(report.error, 'The report')}</p></section>` : whole(report.found, download)}`,
  };
}

/** Exactly what is on the screen, even if it was loaded an hour ago. */
async function downloadCsv({ from, to, by, compare, zone }) {
  const query = new URLSearchParams({
    from,
    to,
    by,
    zone,
    ...(compare === null ? {} : { compare }),
  });
  const answer = await send(`/v1/reports?${query}`, { headers: { accept: 'text/csv' } });
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
  save(await answer.blob(), `callers-by-${by}-from-${from.slice(0, 10)}.csv`);
}

/** @param {import('./period.js').Asked} asked */
function form(asked) {
  const { first, last } = datesOf(asked);
  const today = datesOf(askedOf({ period: 'today' })).last;
  return html`<form class="find-row" @submit=${(event) => submit(event, asked)} @change=${choose}>
    <h1 tabindex="-1">Reports</h1>
    ${select('Period', 'period', asked.period, PERIODS)}
    <label>from <input type="date" name="first" .value=${first} max=${today} required></label>
    <label>to <input type="date" name="last" .value=${last} max=${today} required></label>
    ${select('Lines', 'by', asked.by, BY)}
    ${select('Compared', 'compare', asked.compare, COMPARED)}
    <button class="main">Show</button>
  </form>`;
}

function whole(found, download) {
  const { by, total, rows, from, to, zone, readAt } = found;
  const shown = by === 'hour' || by === 'day' ? Infinity : ROWS_MAX;
  return html`<section class="panel" aria-labelledby="report-title">
      <div class="title-row"><h2 id="report-title">${day(from)} ${hour(from)} to ${day(to)} ${hour(to)} <span class="count">as of ${clock(readAt)}${zone === ZONE ? nothing : html`; days of ${zone}`}</span></h2>
        <button @click=${download}>CSV</button></div>
      <p class="lead">${reportWords(found)}</p>
      ${outcomeLegend(total.outcomes, { since: from, until: to })}
      ${by === 'hour' || by === 'day' ? reportChart(found) : nothing}
    </section>
    <div class="columns report-columns">
      <section class="panel" aria-labelledby="lines-title">
        <h2 id="lines-title">Callers ${BY.get(by)}</h2>
        ${by === 'outcome' ? outcomeTable(found) : lossTable(by, found, { more: true, max: shown })}
        ${by === 'hour' ? html`<p class="faint small">Hours without a caller are left out.</p>` : nothing}
        ${rows.length > shown ? html`<p class="faint small">and ${rows.length - shown} more, all of them in the CSV</p>` : nothing}
      </section>
      <section class="panel" aria-labelledby="beside-title">
        <h2 id="beside-title">All together</h2>
        ${besideTable(found)}
      </section>
    </div>`;
}

function select(label, name, value, options) {
  return html`<select name=${name} aria-label=${label} .value=${value}>
    ${[...options].map(([option, text]) => html`<option value=${option} ?selected=${option === value}>${text}</option>`)}
  </select>`;
}

/** A choice applies at once; a date only when it has been typed completely. */
function choose(event) {
  const { form, name } = event.target;
  if (name === 'first' || name === 'last') form.elements.period.value = 'days';
  else if (form.elements.period.value !== 'days' || name !== 'period') form.requestSubmit();
}

/** Dates chosen in another time zone keep that zone until other dates are chosen. */
function submit(event, asked) {
  event.preventDefault();
  const {
    period = '',
    by = '',
    compare = '',
    first = '',
    last = '',
  } = valuesOf(event.currentTarget);
  const shown = datesOf(asked);
  const isSame = asked.period === 'days' && first === shown.first && last === shown.last;
  const { from, to, zone } = isSame ? asked : { ...momentsOf(first, last), zone: ZONE };
  const time = period === 'days' ? { from, to, zone } : { period };
  location.hash = addressOf(askedOf({ ...time, by, compare }));
}

/** @param {Blob} blob @param {string} name */
function save(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
