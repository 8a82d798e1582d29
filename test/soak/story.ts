/** One call's story from both sides, in chronological order, which explains a violation. */
import type { Witnessed } from './check.ts';

export function story({ book, script, call }: Witnessed): string {
  const theirs = [
    ...book.webhooks.map(({ occurredAt, type, leg, deliveries, faults, outcome }) => ({
      at: occurredAt,
      text: `simulator  ${type}${leg === book.callControlId ? '' : ' (B-leg)'}  ${outcome} ${deliveries
        .map(({ status, error }) => (status === 0 ? (error ?? '0') : status))
        .join(', ')}${faults.length > 0 ? `  [${faults.join(', ')}]` : ''}`,
    })),
    ...book.requests.map(({ at, action, body, status, code, executed, duplicate, fault }) => ({
      at,
      text: `simulator  asked to ${action} ${body?.sip_address ?? body?.to ?? body?.payload ?? ''} ${shortId(body?.command_id)}: ${status}${code === null ? '' : ` ${code}`}${executed ? ', executed' : ''}${duplicate ? ', repeated' : ''}${fault === null ? '' : `  [${fault}]`}`,
    })),
    ...book.moved.map(({ at, address }) => ({
      at,
      text: `simulator  THE CALLER REACHED ${address}`,
    })),
  ];
  const ours = (call?.timeline ?? []).map((entry) => ({
    at: entry.at,
    text: `service  ${entry.source} ${entry.type}: ${entry.phase_before} -> ${entry.phase}; ${entry.notes.join('; ')}${entry.commands
      .map(({ action, id }) => ` +${action} ${shortId(id)}`)
      .join('')}`,
  }));
  const lines = [...theirs, ...ours].sort((a, b) => (a.at < b.at ? -1 : 1));
  return [
    `call ${book.number} “${book.name}” ${book.callControlId}`,
    `  script: ${JSON.stringify(script)}`,
    `  books: ${book.fate}; ${book.attempts.map((a) => `${a.address} ${a.result}${a.reported ? '' : ' (unreported)'}`).join(', ')}`,
    `  ours: ${call === null ? 'unknown' : `${call.phase}, ends ${call.ends}; ${call.attempts.map((a) => `${a.target ?? a.sip_address} ${a.verdict} (${a.reason})`).join(', ')}`}`,
    `  deadlines: ${call?.deadlines.map((d) => `${d.name} ${d.due_at}`).join(', ') || 'none'}`,
    ...lines.map(({ at, text }) => `  ${at.slice(11, 23)}  ${text}`),
  ].join('\n');
}

function shortId(id: unknown): string {
  return typeof id === 'string' ? id.slice(0, 8) : '';
}
