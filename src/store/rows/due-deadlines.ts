/** The deadlines of calls that are due. */
import type { Call } from '../../core/machine/call.ts';
import type { DueDeadline } from '../contract/calls.ts';

/** The earliest first. */
export function dueOf(calls: Call[], now: number): DueDeadline[] {
  const due: DueDeadline[] = [];
  for (const call of calls) {
    for (const { name, n, dueAt, setAt, putOff } of call.deadlines) {
      if (dueAt <= now) due.push({ callId: call.id, name, n, dueAt, setAt, putOff });
    }
  }
  return due.sort((a, b) => a.dueAt - b.dueAt);
}
