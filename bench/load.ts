/**
 * The load generator, in its own process: raw sockets with one request at a time each, and bodies
 * that were built and signed beforehand, so that it costs a fraction of any server. It is
 * controlled by messages.
 *
 * Closed loop (no rate): each connection sends its next request after the answer. Open loop:
 * requests are sent when they are due, or as soon as a connection is free. Latency is counted from
 * when a request was due, or with `fromSent` from when it was sent.
 */
import { connect, type Socket } from 'node:net';
import { type CallsWanted, type SignedWebhook, signedWebhooks } from './calls.ts';

export interface LoadWanted {
  port: number;
  connections: number;
  /** Requests per second; null: as fast as they are answered. */
  rate: number | null;
  /** Open loop: stops sending after this time, answered or not. */
  stopAfterMs?: number;
  fromSent?: boolean;
  /** Report when each webhook of this type was sent. */
  stamp?: string;
}

export interface LoadDone {
  sent: number;
  elapsedMs: number;
  /** Time from the last request to the last answer. */
  tailMs: number;
  /** Answers by HTTP status; 0 stands for a broken connection. */
  statuses: Record<string, number>;
  /** Latency of answers with 200, in milliseconds. */
  latency: { p50: number; p99: number; max: number };
  /** Answers with 200 per second while it was sending. */
  acceptedPerSecond: number;
  stamps: Record<string, number>;
  /** Number of webhooks answered 200, by type. */
  accepted: Record<string, number>;
}

export type LoadMessage =
  | { do: 'prepare'; wanted: CallsWanted }
  | { do: 'run'; wanted: LoadWanted }
  | { do: 'quit' };

/** A clock shared by all processes on the machine, in milliseconds. */
export function sharedNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

let prepared: SignedWebhook[] = [];

if (import.meta.main) {
  process.on('message', (message: LoadMessage) => {
    if (message.do === 'prepare') {
      prepared = signedWebhooks(message.wanted);
      process.send?.({ prepared: prepared.length });
    } else if (message.do === 'run') {
      void run(prepared, message.wanted).then((done) => process.send?.(done));
    } else {
      process.exit(0);
    }
  });
}

async function run(webhooks: SignedWebhook[], wanted: LoadWanted): Promise<LoadDone> {
  const { rate, connections } = wanted;
  const statuses: Record<string, number> = {};
  const accepted: Record<string, number> = {};
  const stamps: Record<string, number> = {};
  const latencies: number[] = [];
  let acceptedInTime = 0;
  let next = 0;
  let open = 0;
  let sentAt = 0;
  const idle: Connection[] = [];
  const all = new Set<Connection>();
  const initial = await Promise.all(
    Array.from({ length: connections }, () => openConnection(wanted.port)),
  );
  const startedAt = sharedNow();
  const dueAt = (index: number) => (rate === null ? 0 : startedAt + (index * 1000) / rate);
  const stopAt = startedAt + (wanted.stopAfterMs ?? Number.POSITIVE_INFINITY);

  await new Promise<void>((finished) => {
    for (const connection of initial) adopt(connection);
    if (rate !== null) tick();

    function adopt(connection: Connection): void {
      all.add(connection);
      connection.onAnswer = (status) => {
        const { webhook, since } = connection;
        statuses[status] = (statuses[status] ?? 0) + 1;
        if (status === 200 && webhook !== null) {
          latencies.push(sharedNow() - since);
          if (sharedNow() <= stopAt) acceptedInTime += 1;
          accepted[webhook.type] = (accepted[webhook.type] ?? 0) + 1;
        }
        connection.webhook = null;
        open -= 1;
        if (status === 0 || connection.closing) {
          all.delete(connection);
          connection.socket.destroy();
          if (rate === null) void openConnection(wanted.port).then(adopt);
        } else if (rate === null) {
          sendNext(connection, sharedNow());
        } else {
          idle.push(connection);
        }
        if (open === 0 && isOver()) finished();
      };
      if (rate === null) sendNext(connection, sharedNow());
      else idle.push(connection);
    }

    function isOver(): boolean {
      return next >= webhooks.length || sharedNow() >= stopAt;
    }

    function sendNext(connection: Connection, since: number): void {
      const webhook = webhooks[next];
      if (webhook === undefined || sharedNow() >= stopAt) return;
      next += 1;
      open += 1;
      connection.webhook = webhook;
      connection.since = since;
      sentAt = sharedNow();
      if (webhook.type === wanted.stamp) stamps[webhook.callId] = sentAt;
      connection.socket.write(webhook.request);
    }

    function tick(): void {
      const now = sharedNow();
      while (next < webhooks.length && dueAt(next) <= now && now < stopAt) {
        const connection = idle.pop();
        if (connection === undefined) break;
        // Skips idle connections that the server has closed; a write to them would never be
        // answered.
        if (connection.socket.destroyed) {
          all.delete(connection);
          adopt(openConnectionNow(wanted.port));
          continue;
        }
        sendNext(connection, wanted.fromSent === true ? now : dueAt(next));
      }
      if (isOver()) {
        if (open === 0) finished();
        return;
      }
      // No busy wait: the stand-in API shares this core, so requests that reached it during the
      // wait would be counted up to one period late, and only for one of the servers.
      setTimeout(tick, Math.max(1, Math.floor(dueAt(next) - sharedNow())));
    }
  });
  const elapsedMs = sharedNow() - startedAt;
  for (const { socket } of all) socket.destroy();
  latencies.sort((a, b) => a - b);
  const quantile = (q: number) => latencies[Math.floor((latencies.length - 1) * q)] ?? Number.NaN;
  return {
    sent: next,
    elapsedMs,
    tailMs: startedAt + elapsedMs - sentAt,
    statuses,
    latency: { p50: quantile(0.5), p99: quantile(0.99), max: quantile(1) },
    acceptedPerSecond: (acceptedInTime * 1000) / Math.min(elapsedMs, stopAt - startedAt),
    stamps,
    accepted,
  };
}

interface Connection {
  socket: Socket;
  webhook: SignedWebhook | null;
  since: number;
  closing: boolean;
  onAnswer(status: number): void;
}

/**
 * A connection that has had an answer, like those in a sender's pool: a server closes connections
 * that never send anything.
 */
async function openConnection(port: number): Promise<Connection> {
  const connection = openConnectionNow(port);
  await new Promise<void>((resolve, reject) => {
    connection.onAnswer = () => resolve();
    connection.socket.once('error', reject);
    connection.socket.write('GET /health/live HTTP/1.1\r\nhost: calls.example.com\r\n\r\n');
  });
  return connection;
}

/** Data written before the connection is open waits in the socket. */
function openConnectionNow(port: number): Connection {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const connection: Connection = {
    socket,
    webhook: null,
    since: 0,
    closing: false,
    onAnswer: () => {},
  };
  let text = '';
  const broken = () => {
    if (connection.webhook !== null) connection.onAnswer(0);
  };
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    const headEnd = text.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const length = /content-length: *(\d+)/i.exec(text)?.[1] ?? '0';
    if (text.length < headEnd + 4 + Number(length)) return;
    const status = Number(text.slice(9, 12));
    connection.closing = /\r\nconnection: close/i.test(text);
    text = '';
    connection.onAnswer(status);
  });
  socket.on('error', broken);
  socket.on('close', broken);
  return connection;
}
