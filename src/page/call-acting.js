/**
 * What an operator can do to a live call besides a manual refer: hang up, or continue with the next
 * step.
 */
import { html, nothing } from '/assets/lit-html/lit-html.js';
import { postJson } from './api.js';
import { askReason } from './ask-reason.js';
import { alertOf } from './fields.js';
import { mayAct } from './session.js';

const ACTS = {
  hangup: { title: 'Hang up', warning: 'The caller hears nothing more, and the call ends.' },
  next: {
    title: 'Next step',
    warning:
      'The caller is taken out of the attempt, and the next step of the plan runs. It is refused while the target may still answer.',
  },
};

export function callActing(changed, reload) {
  const dialog = askReason(changed);
  /** @type {Error | null} */
  let error = null;
  let busy = false;

  function start(id, act) {
    const { title, warning } = ACTS[act];
    dialog.ask(title, warning, (reason) => void send(id, act, reason));
  }

  async function send(id, act, reason) {
    busy = true;
    error = null;
    changed();
    try {
      await postJson(`/v1/calls/${encodeURIComponent(id)}/${act}`, { reason });
    } catch (failure) {
      error = failure;
    }
    busy = false;
    changed();
    await reload();
  }

  return {
    reset() {
      error = null;
    },
    template({ call_control_id: id, phase }) {
      if (phase === 'ended' || !mayAct('operator')) return alertOf(error);
      const isMoving = phase === 'referring' || phase === 'transferring';
      return html`<p class="buttons">
          <button ?disabled=${busy} @click=${() => start(id, 'hangup')}>Hang up…</button>
          ${isMoving ? html`<button ?disabled=${busy} @click=${() => start(id, 'next')}>Next step…</button>` : nothing}
        </p>
        ${alertOf(error)} ${dialog.template()}`;
    },
  };
}
