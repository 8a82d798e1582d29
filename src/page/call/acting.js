/**
 * What an operator can do to a live call besides a manual refer: hang up, or continue with the next
 * step.
 */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { asking } from '../forms/ask.js';
import { alertOf } from '../forms/fields.js';
import { postJson } from '../server/api.js';
import { sending } from '../server/sending.js';
import { mayAct } from '../server/session.js';

const ACTS = {
  hangup: { title: 'Hang up', warning: 'The caller hears nothing more, and the call ends.' },
  next: {
    title: 'Next step',
    warning:
      'The running attempt ends, and the next step of the plan runs. This is refused while the target may still answer.',
  },
};

/**
 * @param {() => void} changed
 * @param {() => Promise<void>} reload reads the call again
 */
export function callActing(changed, reload) {
  const dialog = asking(changed);
  const sent = sending(changed, reload);

  function start(id, act) {
    const path = `/v1/calls/${encodeURIComponent(id)}/${act}`;
    dialog.ask(ACTS[act], ({ reason }) => void sent.send(() => postJson(path, { reason })));
  }

  return {
    reset: sent.forget,
    template({ call_control_id: id, phase }) {
      if (phase === 'ended' || !mayAct('operator')) return alertOf(sent.error);
      const isMoving = phase === 'referring' || phase === 'transferring';
      return html`<p class="buttons">
          <button ?disabled=${sent.busy} @click=${() => start(id, 'hangup')}>Hang up…</button>
          ${isMoving ? html`<button ?disabled=${sent.busy} @click=${() => start(id, 'next')}>Next step…</button>` : nothing}
        </p>
        ${alertOf(sent.error)} ${dialog.template()}`;
    },
  };
}
