/**
 * An operator hangs up a call or skips to its next step. That is an event, like everything that
 * changes a call.
 */
import { randomUUID } from 'node:crypto';
import type { Call } from '../core/machine/call.ts';
import type { OperatorEvent } from '../core/machine/event.ts';
import { RefereeError } from '../errors.ts';
import type { Receiver } from './engine.ts';

export type Operated =
  | { result: 'done'; call: Call }
  | { result: 'no_such_call' | 'ended' | 'no_attempt' | 'may_answer' };

export interface Asked {
  act: 'hangup' | 'next';
  by: string;
  reason: string | null;
}

/** Rejects as `Receiver.receive` does, and if the event became a dead letter. */
export async function operate(
  callId: string,
  { act, by, reason }: Asked,
  { receiver, now }: { receiver: Receiver; now: () => number },
): Promise<Operated> {
  const at = now();
  const event: OperatorEvent = {
    source: 'operator',
    type: `operator.${act}`,
    id: `operator:${randomUUID()}`,
    callId,
    receivedAt: at,
    occurredAt: at,
    by,
    reason,
  };
  const received = await receiver.receive(event);
  if (received.result === 'committed') return { result: 'done', call: received.call };
  if (received.result === 'refused') {
    const { why } = received;
    if (why === 'no_such_call' || why === 'ended' || why === 'no_attempt' || why === 'may_answer') {
      return { result: why };
    }
  }
  throw new RefereeError('OPERATE', `the action ended as ${received.result}`);
}
