/** The results of a rehearsed call, as text and as JSON. */
import { type AnsweredQuestion, duplicatesIn } from '../../core/account/open-questions.ts';
import {
  delayMs,
  duplicatesOf,
  type Rehearsal,
  type RehearsedWebhook,
} from '../../core/account/rehearsal.ts';
import { iso } from '../../core/iso-time.ts';
import type { Io } from '../terminal/io.ts';
import { colours, plain } from '../terminal/terminal.ts';

interface RehearsalReport {
  rehearsal: Rehearsal;
  answers: AnsweredQuestion[];
  unknowns: string[];
  from: string;
  to: string;
}

export function rehearsalJson({ rehearsal, answers, unknowns, from, to }: RehearsalReport) {
  return {
    from,
    to,
    placed_at: iso(rehearsal.placedAt),
    ends: rehearsal.ends,
    attempts: rehearsal.attempts.map(({ kind, target, verdict, sipNotifyResponse, reason }) => ({
      kind,
      target,
      verdict,
      sip_notify_response: sipNotifyResponse,
      reason,
    })),
    webhooks: rehearsal.webhooks.map((webhook) => ({
      id: webhook.id,
      type: webhook.type,
      leg: webhook.leg,
      occurred_at: iso(webhook.occurredAt),
      received_at: iso(webhook.receivedAt),
      delay_ms: delayMs(webhook),
      duplicates: duplicatesOf(webhook),
      deliveries: webhook.tries.map(({ startedAt, status, timestamp, errors }) => ({
        started_at: iso(startedAt),
        status,
        timestamp,
        errors,
      })),
    })),
    commands: rehearsal.commands.map(({ at, ...command }) => ({ ...command, at: iso(at) })),
    unknown: unknowns,
    answers,
  };
}

export function rehearsalText(
  rehearsal: Rehearsal,
  answers: readonly AnsweredQuestion[],
  unknowns: readonly string[],
  io: Io,
): string {
  const { bold, dim, yellow } = colours(io);
  const lines = [
    bold('Webhooks and commands, from the moment the call was placed'),
    ...moments(rehearsal).map(({ at, text }) => `${after(at, rehearsal.placedAt)}  ${text}`),
    '',
    bold('The call'),
    `  ${rehearsal.ends === null ? 'did not end, or was not taken by the server' : `ends: ${rehearsal.ends}`}`,
    ...rehearsal.attempts.map(
      ({ kind, target, verdict, reason }) =>
        `  ${kind} ${plain(target ?? 'unknown')}: ${verdict ?? 'no verdict yet'}${reason === null ? '' : ` (${plain(reason)})`}`,
    ),
    `  duplicates: ${duplicatesIn(rehearsal)}`,
    ...unknowns.map((text) => `  ${yellow('unknown:')} ${plain(text)}`),
    '',
    bold('Open questions about Telnyx, as this call answers them'),
    ...answers.map(({ question, answer }) =>
      answer === null
        ? dim(`  - ${question}  Not shown by this call.`)
        : `  - ${question}\n    ${plain(answer)}`,
    ),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function moments({ webhooks, commands }: Rehearsal): { at: number; text: string }[] {
  const events = webhooks.map((webhook) => ({
    at: webhook.receivedAt ?? webhook.occurredAt ?? 0,
    text: webhookLine(webhook),
  }));
  const answers = commands.map(({ at, action, outcome, status, code }) => ({
    at,
    text: `${'server'.padEnd(8)} ${action}: ${outcome}${status === null ? '' : ` ${status}`}${code === null ? '' : ` (${code})`}`,
  }));
  return [...events, ...answers].toSorted((a, b) => a.at - b.at);
}

function webhookLine(webhook: RehearsedWebhook): string {
  const { type, leg, tries, receivedAt, sipNotifyResponse, hangupCause } = webhook;
  const detail = sipNotifyResponse ?? hangupCause;
  const delay = delayMs(webhook);
  const facts = [
    ...(receivedAt === null ? ['not received'] : []),
    ...(delay === null ? [] : [`${delay} ms after it occurred`]),
    ...(tries.length > 1
      ? [
          `${tries.length} deliveries: ${tries.map(({ status }) => status ?? 'no answer').join(', ')}`,
        ]
      : []),
    ...(duplicatesOf(webhook) > 0 ? [`duplicates: ${duplicatesOf(webhook)}`] : []),
  ];
  const word = { calling: 'calling', called: 'called', b_leg: 'B-leg' }[leg];
  return `${word.padEnd(8)} ${plain(type)}${detail === null ? '' : ` ${plain(String(detail))}`}${facts.length === 0 ? '' : `  (${facts.join('; ')})`}`;
}

function after(at: number, placedAt: number): string {
  return `${((at - placedAt) / 1_000).toFixed(3)} s`.padStart(11);
}
