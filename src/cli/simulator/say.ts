/** The output of `referee simulator`: its start, events, and how each call ended. */
import { REDACTED } from '../../log/mask.ts';
import type { BookedRequest, CallBook } from '../../simulator/books.ts';
import type { Activity, Simulator } from '../../simulator/simulator.ts';
import { type Io, jsonText } from '../terminal/io.ts';
import { plainLines } from '../terminal/terminal.ts';

/** Prints lines for people, or one JSON object per line. */
export interface Sayer {
  started(simulator: Simulator, apiUrl: string, webhookUrls: string[]): void;
  activity(activity: Activity): void;
  book(book: CallBook): void;
  text(text: string): void;
  problem(text: string): void;
}

export function sayer(isJson: boolean, io: Io): Sayer {
  const line = (text: string): void => void io.stdout.write(`${plainLines({ message: text })}\n`);
  const json = (value: unknown): void => void io.stdout.write(`${jsonText(value)}\n`);
  return {
    started(simulator, apiUrl, webhookUrls) {
      const { apiKey, publicKey, seed } = simulator;
      if (isJson) {
        json({
          event: 'started',
          api_url: apiUrl,
          public_key: publicKey,
          api_key: apiKey,
          seed,
          webhook_urls: webhookUrls,
        });
        return;
      }
      line(
        `The Telnyx simulator answers at ${apiUrl} and sends events to ${webhookUrls.join(', ')}.`,
      );
      line('For the server, in .env:\n');
      line(`TELNYX_API_URL=${apiUrl}\nTELNYX_API_KEY=${apiKey}\nTELNYX_PUBLIC_KEY=${publicKey}\n`);
      line('Place a call: call +14155550123 +14155550100 busy,completed   (help shows more)');
    },
    activity(activity) {
      if (isJson) json(activityJson(activity));
      else line(activityText(activity));
    },
    book(book) {
      if (isJson) json({ event: 'book', ...summary(book) });
      else line(`${tag(book)} ${book.from} -> ${book.to}  ${fateText(book)}`);
    },
    text: (text) => (isJson ? undefined : line(text)),
    problem: (text) => void io.stderr.write(`${plainLines({ message: text })}\n`),
  };
}

function activityText(activity: Activity): string {
  const { kind, call } = activity;
  if (kind === 'ended') return `${tag(call)} == ${fateText(call)}`;
  if (kind === 'event') return `${tag(call)}${side(activity.leg)} <- ${activity.type}`;
  const { action, body, status, code, duplicate, fault } = activity.request;
  const object = body?.sip_address ?? body?.to ?? body?.payload ?? body?.cause ?? '';
  const notes = [code, duplicate ? 'repeated' : null, fault].filter((note) => note !== null);
  return `${call === null ? '#?' : tag(call)}${side(activity.leg)} -> ${action} ${object}  ${status || 'no answer'}${notes.map((note) => ` ${note}`).join('')}`;
}

function activityJson(activity: Activity): Record<string, unknown> {
  const { kind, call } = activity;
  if (kind === 'ended') return { event: 'ended', ...summary(activity.call) };
  const ids = { call: call?.number ?? null, call_control_id: call?.callControlId ?? null };
  if (kind === 'event') return { event: 'webhook', ...ids, leg: activity.leg, type: activity.type };
  const { body, ...request } = activity.request;
  return { event: 'request', ...ids, leg: activity.leg, ...request, body: withoutSecrets(body) };
}

/** A server resolves the credentials of its targets in the request, so they arrive here in full. */
function withoutSecrets(body: BookedRequest['body']): BookedRequest['body'] {
  if (body === null) return null;
  const shown = Object.entries(body).map(([name, value]) => [
    name,
    name.startsWith('sip_auth_') ? REDACTED : value,
  ]);
  return Object.fromEntries(shown);
}

function summary(book: CallBook): Record<string, unknown> {
  const { number, name, callControlId, from, to, fate, moved, rejectedAs, attempts } = book;
  return {
    call: number,
    name,
    call_control_id: callControlId,
    from,
    to,
    fate,
    moved,
    rejected_as: rejectedAs,
    attempts,
  };
}

function fateText({ fate, moved, rejectedAs }: CallBook): string {
  switch (fate) {
    case 'moved':
      return `moved to ${moved.map(({ address }) => address).join(' AND ')}`;
    case 'released':
      return rejectedAs === null ? 'released' : `rejected (${rejectedAs})`;
    case 'left':
      return 'the caller hung up';
    case 'dropped':
      return 'dropped by the network';
    case 'waiting':
      return 'still on the line';
  }
}

const tag = (book: CallBook): string => `#${book.number}`.padEnd(4);
const side = (leg: number): string => (leg === 0 ? '' : ` (B-leg ${leg})`);
