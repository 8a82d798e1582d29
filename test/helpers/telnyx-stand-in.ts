/**
 * The end-to-end tests' stand-in for Telnyx: it records commands, answers as scripted, and signs
 * webhooks with its own key. It shares no code with the service or the Telnyx simulator, so that it
 * is an independent witness.
 */
import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PATIENCE_MS } from './patience.ts';
import { schemaProblems } from './telnyx-schema.ts';

export interface Asked {
  callId: string;
  action: string;
  method: string;
  /** Path and query as they were asked for. */
  url: string;
  body: Record<string, unknown>;
  /** In monotonic milliseconds. */
  at: number;
}

/** `hang` never answers; `cut` closes the connection without an answer. */
export type Answer =
  | 'hang'
  | 'cut'
  | { status: number; body?: unknown; headers?: Record<string, string> };

export const OK: Answer = { status: 200, body: { data: { result: 'ok' } } };

export function telnyxError(status: number, code: string, title = 'refused'): Answer {
  return { status, body: { errors: [{ code, title, detail: `${title}.` }] } };
}

export const API_KEY = 'KEY_end_to_end_secret_0123456789';

const ACCOUNT = /^\/v2\/(webhook_deliveries|call_control_applications)\b/;

export class TelnyxStandIn {
  readonly publicKey: string;
  readonly asked: Asked[] = [];
  /** Deviations from Telnyx's documentation; must stay empty. */
  readonly problems: string[] = [];
  /** The answer to a command; default: 200 ok, and probes say alive. */
  answer: (asked: Asked) => Answer | Promise<Answer> = (asked) => ok(asked);
  webhookUrl = '';
  /**
   * Closes connections before reading the requests: all of them, or those about the call with this
   * id.
   */
  deaf: boolean | string = false;
  readonly #privateKey: KeyObject;
  readonly #server = createServer((req, res) => void this.#take(req, res));
  readonly #waiting = new Set<() => void>();
  /** client_state belongs to the leg; the last command that set one wins. */
  readonly #clientStates = new Map<string, unknown>();

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    this.#privateKey = privateKey;
    const { x = '' } = publicKey.export({ format: 'jwk' });
    this.publicKey = Buffer.from(x, 'base64url').toString('base64');
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v2`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  call(facts: { from?: string; to?: string } = {}): TestCall {
    return new TestCall(this, facts);
  }

  commands(callId: string, action?: string): Asked[] {
    return this.asked.filter(
      (asked) => asked.callId === callId && (action === undefined || asked.action === action),
    );
  }

  /** Resolves with the nth command of this kind (from 1) as soon as it has arrived. */
  next(callId: string, action: string, nth = 1, withinMs = PATIENCE_MS): Promise<Asked> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.commands(callId, action)[nth - 1];
        if (found === undefined) return;
        this.#waiting.delete(look);
        clearTimeout(late);
        resolve(found);
      };
      const late = setTimeout(() => {
        this.#waiting.delete(look);
        const came = this.commands(callId).map((asked) => asked.action);
        reject(new Error(`no ${action} #${nth} within ${withinMs} ms; came: ${came.join(', ')}`));
      }, withinMs);
      this.#waiting.add(look);
      look();
    });
  }

  clientState(callId: string): unknown {
    return this.#clientStates.get(callId) ?? null;
  }

  /** Resolves with the HTTP status of one delivery; 0 without an answer. */
  deliver(body: string, headers: Record<string, string> = {}): Promise<number> {
    const timestamp = String(Math.floor(Date.now() / 1000));
    const signature = sign(null, Buffer.from(`${timestamp}|${body}`), this.#privateKey);
    return new Promise((resolve) => {
      const outgoing = request(this.webhookUrl, {
        method: 'POST',
        agent: false,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'telnyx-signature-ed25519': signature.toString('base64'),
          'telnyx-timestamp': timestamp,
          ...headers,
        },
      });
      outgoing.on('response', (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      outgoing.on('error', () => resolve(0));
      outgoing.end(body);
    });
  }

  /** Repeats the delivery, like Telnyx, until it is accepted. */
  async deliverUntilTaken(body: string): Promise<void> {
    while ((await this.deliver(body)) !== 200) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async #take(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { deaf } = this;
    if (deaf === true || (deaf !== false && decodeURIComponent(req.url ?? '').includes(deaf))) {
      req.socket.destroy();
      return;
    }
    // Requests about the account: the answer is that nothing was missed.
    if (ACCOUNT.test(req.url ?? '')) {
      res.writeHead(200, { 'content-type': 'application/json' });
      res.end(JSON.stringify({ data: [], meta: {} }));
      return;
    }
    // The request that keeps connections warm.
    if (req.method === 'GET' && req.url === '/v2/public_key') {
      res.writeHead(404, { 'content-type': 'application/json' }).end('{"errors":[]}');
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
    const asked = this.#read(req, Buffer.concat(chunks).toString('utf8'));
    this.asked.push(asked);
    // The client_state is set before any test learns of the command. A refused command sets none.
    const before = this.#clientStates.get(asked.callId);
    if (asked.body.client_state !== undefined) {
      this.#clientStates.set(asked.callId, asked.body.client_state);
    }
    const answering = this.answer(asked);
    if (typeof answering === 'object' && 'status' in answering && answering.status !== 200) {
      this.#clientStates.set(asked.callId, before);
    }
    for (const look of [...this.#waiting]) look();
    const answer = await answering;
    if (answer === 'hang') return;
    if (answer === 'cut') {
      req.socket.destroy();
      return;
    }
    res.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
    res.end(JSON.stringify(answer.body ?? {}));
  }

  #read(req: IncomingMessage, text: string): Asked {
    const [, connection] =
      /^\/v2\/connections\/([^/]+)\/active_calls(?:\?.*)?$/.exec(req.url ?? '') ?? [];
    const [, id = connection ?? '', action = connection === undefined ? 'probe' : 'active_calls'] =
      /^\/v2\/calls\/([^/]+)(?:\/actions\/([a-z_]+))?$/.exec(req.url ?? '') ?? [];
    const { method = '', url = '' } = req;
    const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
    const wanted =
      { probe: 'GET', active_calls: 'GET', client_state_update: 'PUT' }[action] ?? 'POST';
    if (id === '') this.problems.push(`unknown path ${req.url}`);
    if (method !== wanted) this.problems.push(`${action}: sent as ${method}`);
    if (req.headers.authorization !== `Bearer ${API_KEY}`) {
      this.problems.push(`${action}: not authorised with the API key`);
    }
    if (wanted !== 'GET') this.problems.push(...schemaProblems(action, body));
    return { callId: decodeURIComponent(id), action, method, url, body, at: performance.now() };
  }
}

export function ok({ action }: Asked): Answer {
  if (action === 'active_calls') return { status: 200, body: { data: [], meta: { next: null } } };
  return action === 'probe' ? { status: 200, body: { data: { is_alive: true } } } : OK;
}

let calls = 0;

/** One call and its webhooks. */
export class TestCall {
  readonly id: string;
  readonly sessionId = randomUUID();
  readonly from: string;
  readonly to: string;
  readonly #telnyx: TelnyxStandIn;

  constructor(telnyx: TelnyxStandIn, facts: { from?: string; to?: string }) {
    calls += 1;
    this.#telnyx = telnyx;
    // As long as real ids: over 100 characters.
    this.id = `v3:${randomUUID()}-${'e2e-0123456789_'.repeat(5)}${calls}`;
    this.from = facts.from ?? `+1415556${String(calls).padStart(4, '0')}`;
    this.to = facts.to ?? '+14155550100';
  }

  /** The body of one webhook. Unless it has its own client_state, it carries the leg's. */
  event(type: string, payload: Record<string, unknown> = {}, id = randomUUID() as string): string {
    const first = type === 'call.initiated' ? { direction: 'incoming', state: 'parked' } : {};
    return JSON.stringify({
      data: {
        event_type: type,
        id,
        occurred_at: new Date().toISOString().replace('Z', '000Z'),
        payload: {
          call_control_id: this.id,
          call_leg_id: this.sessionId,
          call_session_id: this.sessionId,
          client_state: this.#telnyx.clientState(this.id),
          connection_id: '1684641123236054244',
          from: this.from,
          to: this.to,
          ...first,
          ...payload,
        },
        record_type: 'event',
      },
      meta: { attempt: 1, delivered_to: this.#telnyx.webhookUrl },
    });
  }

  /** Delivers once and resolves with the HTTP status. */
  send(type: string, payload: Record<string, unknown> = {}): Promise<number> {
    return this.#telnyx.deliver(this.event(type, payload));
  }

  commands(action?: string): Asked[] {
    return this.#telnyx.commands(this.id, action);
  }

  next(action: string, nth = 1, withinMs?: number): Promise<Asked> {
    return this.#telnyx.next(this.id, action, nth, withinMs);
  }

  /** Plays the call until it is answered and the first REFER has been sent. */
  async untilReferred(): Promise<Asked> {
    await this.send('call.initiated');
    await this.next('answer');
    await this.send('call.answered');
    return this.next('refer');
  }

  fails(code: number): Promise<number> {
    return this.send('call.refer.failed', { sip_notify_response: code });
  }

  completes(): Promise<number> {
    return this.send('call.refer.completed', { sip_notify_response: 200 });
  }

  hangsUp(payload: Record<string, unknown> = {}): Promise<number> {
    return this.send('call.hangup', {
      hangup_cause: 'normal_clearing',
      hangup_source: 'caller',
      sip_hangup_cause: '200',
      ...payload,
    });
  }
}
