/** Checks whether Telnyx could deliver its webhooks to us. */

import { counted } from '../counted.ts';
import type { Delivery } from './account.ts';
import { type Finding, found, ourConnections, type Seen, unread } from './finding.ts';

const RECENT_MS = 3_600_000;
const BODY_CHARS_SHOWN = 200;

export function deliveries(seen: Seen): Finding[] {
  const reading = seen.account.deliveries;
  if (reading.end !== 'value') return [unread('deliveries', 'the webhook deliveries', reading)];
  const ours = oursOf(seen, reading.value);
  const failed = ours.filter((delivery) => delivery.failed);
  const of = `of the newest ${counted(ours.length, 'delivery', 'deliveries')}`;
  if (failed.length === 0) {
    const message = ours.length === 0 ? 'Nothing was delivered lately.' : `None ${of} failed.`;
    return [found('deliveries', 'ok', message)];
  }
  const recent = failed.filter((delivery) => isRecent(delivery, seen.now));
  const [status, told, when] =
    recent.length > 0
      ? (['problem', recent, 'in the last hour'] as const)
      : (['warning', failed, 'before the last hour'] as const);
  const message = `${told.length} ${of} failed ${when}: ${reasons(told)}.${answerOf(told)}`;
  return [
    found(
      'deliveries',
      status,
      message,
      'The reason says where to look: name, certificate, firewall or proxy in front, or the server itself. Telnyx keeps a list of what was missed.',
    ),
  ];
}

/** When the first of those that failed in the last hour was tried; null: none failed. */
export function failedSince(seen: Seen): number | null {
  const reading = seen.account.deliveries;
  if (reading.end !== 'value') return null;
  const recent = oursOf(seen, reading.value).filter(
    (delivery) => delivery.failed && isRecent(delivery, seen.now),
  );
  const times = recent.map((delivery) => delivery.startedAt ?? endOf(delivery));
  return times.length === 0 ? null : Math.min(...times);
}

/** Other applications may have problems that do not concern us. */
function oursOf(seen: Seen, all: readonly Delivery[]): Delivery[] {
  const connections = ourConnections(seen);
  return all.filter(
    ({ connectionId }) =>
      connectionId === null || connections === null || connections.has(connectionId),
  );
}

/** Grouped by the result of each delivery's last attempt. */
function reasons(failed: readonly Delivery[]): string {
  const words = failed.map(({ attempts }) => {
    const errors = attempts[0]?.errors ?? [];
    if (errors.length === 0) return 'Telnyx gives no reason';
    return errors.map(({ code, words: meaning }) => `${code} ${meaning}`).join(' and ');
  });
  return [...Map.groupBy(words, (word) => word)]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([word, all]) => `${word} (${all.length})`)
    .join(', ');
}

/** The newest answer of our own server, whose words name the reason when a code does not. */
function answerOf(failed: readonly Delivery[]): string {
  const answer = failed
    .flatMap(({ attempts }) => attempts)
    .find(({ response }) => response !== null);
  if (answer === undefined || answer.response === null) return ' No server answered.';
  const { status, body } = answer.response;
  const text = body.trim().replace(/\s+/g, ' ').slice(0, BODY_CHARS_SHOWN);
  return ` The server answered ${status ?? 'no status'}${text === '' ? '' : `: ${text}`}`;
}

function isRecent(delivery: Delivery, now: number): boolean {
  return now - endOf(delivery) <= RECENT_MS;
}

function endOf({ finishedAt, startedAt }: Delivery): number {
  return finishedAt ?? startedAt ?? Number.NEGATIVE_INFINITY;
}
