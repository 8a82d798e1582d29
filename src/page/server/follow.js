/**
 * Live updates: server-sent events read with fetch, which can tell a refusal from a lost
 * connection. A connection that ends, or is silent for longer than the server's heartbeat, is
 * reopened where it stopped.
 */
import { createParser } from '/assets/eventsource-parser/dist/index.js';
import { refusalOf, send } from './api.js';

const SILENCE_MS = 40_000;
const WAITS_MS = [500, 1_000, 2_000, 4_000, 8_000];

export function follow({ onCall, onReset, onState }) {
  const stopping = new AbortController();
  /** @type {string | null} */
  let lastId = null;
  let tries = 0;
  void run();
  return () => stopping.abort();

  async function run() {
    while (!stopping.signal.aborted) {
      try {
        await read();
        if (stopping.signal.aborted) return;
        onState('lost');
      } catch (error) {
        if (stopping.signal.aborted || error.status === 401) return;
        onState(error.problem?.reason === 'too_many_streams' ? 'full' : 'lost');
      }
      const wait = WAITS_MS[Math.min(tries, WAITS_MS.length - 1)];
      tries += 1;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  async function read() {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), SILENCE_MS);
    try {
      const answer = await send('/v1/events', {
        headers: lastId === null ? {} : { 'last-event-id': lastId },
        signal: AbortSignal.any([stopping.signal, silence.signal]),
      });
      if (!answer.ok) throw refusalOf(answer, await answer.json().catch(() => null));
      if (answer.body === null) throw new Error('The event stream has no body.');
      const parser = createParser({ onEvent: take });
      onState('live');
      tries = 0;
      for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE_MS);
        parser.feed(text);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param {import('/assets/eventsource-parser/dist/index.js').EventSourceMessage} message */
  function take({ event, data, id }) {
    if (id !== undefined) lastId = id;
    if (event === 'call') onCall(JSON.parse(data));
    // The first hello means that the stream starts now. Earlier calls are in the lists, which are
    // loaded after it.
    else if (event === 'reset' || event === 'hello') onReset();
  }
}
