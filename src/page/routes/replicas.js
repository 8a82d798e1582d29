/** The replicas, and which of them run other routes than the one that answers. */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { age, time } from '../words/words.js';

/** @param {{ replicas: any[], hash: string }} routes as GET /v1/routes has them */
export function replicasPanel(routes) {
  return html`<section class="panel" aria-labelledby="replicas-title">
    <h2 id="replicas-title">Replicas</h2>
    ${replicaTable(routes)}
  </section>`;
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
