/** Which callers follow the next route set: always the same ones, and more as the share grows. */
import type { CallFacts } from '../machine/call.ts';
import { hashUnit } from './hash.ts';
import { callerKey } from './subject.ts';

/** `share` in percent. The salt is its own, so that no rule's `percent` has the same callers. */
export function followsNext(facts: CallFacts, share: number): boolean {
  return hashUnit('next routes', callerKey(facts)) * 100 < share;
}
