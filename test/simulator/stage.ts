/** A simulator with a receiver, and a function that sends commands; both stop with the test. */
import { onTestFinished } from 'vitest';
import type { CallScript } from '../../src/simulator/script.ts';
import { createSimulator, type SimulatorOptions } from '../../src/simulator/simulator.ts';
import { PATIENCE_MS } from '../helpers/patience.ts';
import { type Received, startReceiver } from './receiver.ts';

export async function setStage(
  options: SimulatorOptions = {},
  answer?: (event: Received) => number | null,
) {
  const receiver = await startReceiver(() => simulator.publicKey, answer);
  const simulator = createSimulator({
    seed: 1,
    timeScale: 0.1,
    webhookUrl: receiver.url,
    webhookRetryMs: [20, 40, 80],
    // A webhook that a busy machine takes seconds for is not delivered again meanwhile.
    webhookTimeoutMs: PATIENCE_MS,
    ...options,
  });
  const { apiUrl } = await simulator.start();
  onTestFinished(async () => {
    await simulator.stop();
    await receiver.stop();
  });

  async function send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) {
    const response = await fetch(`${apiUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${simulator.apiKey}`,
        'content-type': 'application/json',
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = text.startsWith('{') ? JSON.parse(text) : null;
    return {
      status: response.status,
      json,
      code: json?.errors?.[0]?.code as string | undefined,
      pointer: json?.errors?.[0]?.source?.pointer as string | undefined,
      headers: response.headers,
    };
  }

  const command = (callId: string, action: string, body: unknown = {}) =>
    send('POST', `/calls/${callId}/actions/${action}`, body);

  /** Places a call and answers it. */
  async function answered(script: CallScript = {}) {
    const call = simulator.placeCall(script);
    await command(call.callControlId, 'answer', { command_id: `answer-${call.number}` });
    await receiver.next('call.answered', call.number);
    return call;
  }

  return { simulator, receiver, apiUrl, send, command, answered };
}

export const base64 = (text: string): string => Buffer.from(text).toString('base64');
