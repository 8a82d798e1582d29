/** A request whose sender has closed the connection before its command could be executed. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { apiFate, type FaultRates } from '../../src/simulator/faults.ts';
import type { CallScript } from '../../src/simulator/script.ts';
import type { Activity, PlacedCall, SimulatorOptions } from '../../src/simulator/simulator.ts';
import { PATIENT, waitFor } from '../helpers/waiting.ts';
import { setStage } from './stage.ts';

afterEach(() => void vi.useRealTimers());

/** A stage, and a request to hang up on a connection of its own, in one write. */
async function stage(options: SimulatorOptions = {}) {
  const over: Activity[] = [];
  const { simulator, apiUrl } = await setStage({
    ...options,
    onActivity: (activity) => void (activity.kind === 'request' && over.push(activity)),
  });
  const { hostname, port } = new URL(apiUrl);

  async function hangUp(call: PlacedCall): Promise<Socket> {
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.on('error', () => {});
    socket.write(
      `POST /v2/calls/${call.callControlId}/actions/hangup HTTP/1.1\r\nhost: ${hostname}\r\n` +
        `authorization: Bearer ${simulator.apiKey}\r\ncontent-length: 2\r\n\r\n{}`,
    );
    return socket;
  }

  return { simulator, hangUp, over: (count: number) => waitFor(() => hasLength(over, count)) };
}

function hasLength(list: unknown[], count: number): void {
  expect(list).toHaveLength(count);
}

test('a request that was given up before it could be read is not executed', async () => {
  const { simulator, hangUp, over } = await stage();
  const call = simulator.placeCall();
  // In one turn of the loop, so before the simulator reads anything.
  (await hangUp(call)).resetAndDestroy();
  await over(1);
  expect(call.book).toMatchObject({ fate: 'waiting', requests: [{ status: 0, executed: false }] });

  (await hangUp(call)).resume();
  await over(2);
  expect(call.book).toMatchObject({ fate: 'released', requests: [{}, { status: 200 }] });
});

test.each([
  ['drawn by rate', 'not executed', { api_slow: 1 }, []],
  ['scripted', 'executed', {}, [{ at: 'hangup', kind: 'api_slow' }]],
] as const)('one that is given up while a slowness that was %s lasts is %s', async (...row) => {
  const [, becomes, faults, scripted] = row;
  const { simulator, hangUp, over } = await stage({ seed: 1, faults });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const script = { faults: [...scripted] };
  let call = simulator.placeCall(script);
  while (slownessOf(call.number, faults, script)?.strikes !== 'before') {
    call = simulator.placeCall(script);
  }
  const socket = await hangUp(call);
  await expect.poll(() => call.book.faults, PATIENT).toHaveLength(1);
  socket.resetAndDestroy();
  vi.advanceTimersByTime(SLOW_MS_MAX);
  vi.useRealTimers();
  await over(1);
  const executed = becomes === 'executed';
  expect(call.book.requests).toMatchObject([{ fault: 'api_slow', executed }]);
  expect(call.book.fate).toBe(executed ? 'released' : 'waiting');
});

const SLOW_MS_MAX = 3_000;

function slownessOf(callNumber: number, rates: FaultRates, { faults = [] }: CallScript) {
  return apiFate({ seed: 1, rates, callNumber, scripted: faults }, 'hangup', 0, 1);
}
