/** Every deadline of these calls that is reached, the earliest first. */
import type { Call } from '../core/call.ts';
import type { DueDeadline } from './store.ts';

export function dueOf(calls: Call[], now: number): DueDeadline[] {
  const due: DueDeadline[] = [];
  for (const call of calls) {
    for (const { name, n, dueAt, setAt, putOff } of call.deadlines) {
      if (dueAt <= now) due.push({ callId: call.id, name, n, dueAt, setAt, putOff });
    }
  }
  return due.sort((a, b) => a.dueAt - b.dueAt);
}
