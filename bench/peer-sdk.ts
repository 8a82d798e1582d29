/**
 * The vendor's way: Express 5 and the official SDK, as in its README. It has no store and only
 * knows a call from the webhook. With BENCH_MOVES=1 it answers and refers the caller with its own
 * client, and answers the webhook after that.
 */
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';

interface Event {
  data: { event_type: string; payload: { call_control_id: string } };
}
interface Sdk {
  webhooks: { unwrap(body: string, options: { headers: unknown }): Promise<Event> };
  calls: {
    actions: {
      answer(id: string, options: object): Promise<unknown>;
      refer(id: string, options: object): Promise<unknown>;
    };
  };
}
interface Response {
  sendStatus(status: number): void;
  status(status: number): { json(body: object): void };
}
interface Express {
  post(
    path: string,
    raw: unknown,
    handler: (request: { body: Buffer; headers: unknown }, response: Response) => Promise<void>,
  ): void;
  listen(port: number, host: string, done: () => void): { address(): AddressInfo };
}

// These packages are only installed for the bench, so their types may be missing when tsc runs.
const load = createRequire(import.meta.url);
const express = load('express') as { (): Express; raw(options: object): unknown };
const { Telnyx } = load('telnyx') as { Telnyx: new (options: object) => Sdk };

const client = new Telnyx({
  apiKey: 'KEY',
  publicKey: process.env.TELNYX_PUBLIC_KEY,
  baseURL: process.env.TELNYX_API_URL,
});
const moves = process.env.BENCH_MOVES === '1';
const app = express();

app.post(
  '/webhooks/telnyx',
  express.raw({ type: 'application/json' }),
  async (request, response) => {
    let event: Event;
    try {
      event = await client.webhooks.unwrap(request.body.toString(), { headers: request.headers });
    } catch {
      response.sendStatus(401);
      return;
    }
    const { event_type: type, payload } = event.data;
    if (moves && type === 'call.initiated') {
      await client.calls.actions.answer(payload.call_control_id, {});
    } else if (moves && type === 'call.answered') {
      await client.calls.actions.refer(payload.call_control_id, {
        sip_address: 'sip:support@pbx-us.example.com',
      });
    }
    response.status(200).json({});
  },
);

const server = app.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`);
});
