/**
 * The open event streams. One timer serves all of them, and streams at the same position share one
 * query. A client that reads too slowly is disconnected and continues where it was when it
 * reconnects.
 */
import type { ServerResponse } from 'node:http';
import { HTTP_LIMITS } from '../../limits.ts';

export interface EventStreams {
  /**
   * Whether this viewer may have one more stream. If there are as many as there may be, the oldest
   * of the viewer with the most is ended for one who has clearly fewer, so that nobody who keeps
   * many open keeps others out.
   */
  admit(viewer: string): boolean;
  open(response: ServerResponse, asked: AskedStream): void;
  close(): void;
}

export interface AskedStream {
  viewer: string;
  /** Null: start from now. */
  after: string | null;
  /** Include B-legs. */
  legs: boolean;
  /** The stream ends when this returns false. */
  stillMay: () => boolean;
}

/** As `AskedStream` names them. */
export type ReadChanges = (
  after: string | null,
  legs: boolean,
) => Promise<{ text: string; cursor: string }>;

interface Stream extends Omit<AskedStream, 'after'> {
  response: ServerResponse;
  cursor: string | null;
  busy: boolean;
  quietTicks: number;
}

const HEARTBEAT_TICKS = HTTP_LIMITS.eventHeartbeatMs / HTTP_LIMITS.eventPollMs;

export function createEventStreams(read: ReadChanges): EventStreams {
  const streams = new Set<Stream>();
  let ticking: NodeJS.Timeout | undefined;
  let looks = new Map<string, ReturnType<ReadChanges>>();
  let closed = false;

  function tick(): void {
    looks = new Map();
    for (const stream of streams) void advance(stream);
    if (streams.size === 0) stop();
  }

  function stop(): void {
    clearInterval(ticking);
    ticking = undefined;
  }

  async function advance(stream: Stream): Promise<void> {
    if (stream.busy) return;
    if (!stream.stillMay()) {
      stream.response.end();
      return;
    }
    stream.busy = true;
    try {
      const { text, cursor } = await look(stream);
      stream.cursor = cursor;
      send(stream, text);
    } catch {
      // The store does not answer: the stream stays open and retries from the same position.
      send(stream, '');
    } finally {
      stream.busy = false;
    }
  }

  function look({ cursor, legs }: Stream): ReturnType<ReadChanges> {
    const key = `${legs} ${cursor}`;
    const running = looks.get(key) ?? read(cursor, legs);
    looks.set(key, running);
    return running;
  }

  function admit(viewer: string): boolean {
    if (closed) return false;
    if (streams.size < HTTP_LIMITS.eventStreamsMax) return true;
    const byViewer = Map.groupBy(streams, (stream) => stream.viewer);
    const own = byViewer.get(viewer)?.length ?? 0;
    const [most = []] = [...byViewer.values()].toSorted((a, b) => b.length - a.length);
    // A difference of one would only change who is kept out, again and again.
    const [oldest] = most;
    if (oldest === undefined || most.length <= own + 1) return false;
    streams.delete(oldest);
    oldest.response.end();
    return true;
  }

  return {
    admit,
    open(response, { after, ...asked }) {
      const { socket } = response;
      // The client left while its session was looked up, so the events that say so are over.
      if (response.destroyed || socket === null || socket.readableEnded) {
        response.destroy();
        return;
      }
      const stream: Stream = { ...asked, response, cursor: after, busy: false, quietTicks: 0 };
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // Without this header nginx buffers the answer.
        'x-accel-buffering': 'no',
      });
      response.write('retry: 2000\n\n');
      // A client that ends its side has left. On other endpoints it may still wait for an answer.
      socket.once('end', () => response.end());
      response.on('close', () => streams.delete(stream));
      response.on('error', () => streams.delete(stream));
      streams.add(stream);
      ticking ??= setInterval(tick, HTTP_LIMITS.eventPollMs).unref();
      void advance(stream);
    },
    close() {
      closed = true;
      stop();
      for (const { response } of streams) response.end();
      streams.clear();
    },
  };
}

function send(stream: Stream, text: string): void {
  const { response } = stream;
  if (response.writableEnded || response.destroyed) return;
  if (response.writableLength > HTTP_LIMITS.eventBufferBytesMax) {
    response.destroy();
    return;
  }
  stream.quietTicks = text === '' ? stream.quietTicks + 1 : 0;
  if (text !== '') response.write(text);
  else if (stream.quietTicks % HEARTBEAT_TICKS === 0) response.write(': still here\n\n');
}

/** JSON contains no raw line breaks, so one data line is enough. */
export function eventText(event: string, data: unknown, id: string | null): string {
  return `${id === null ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
