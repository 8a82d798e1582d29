/**
 * Which callers follow the next route set: always the same ones, and more of them as the share
 * grows.
 */
import type { CallFacts } from '../machine/call.ts';
import { hashUnit } from './hash.ts';
import { callerKey } from './subject.ts';

/**
 * `share` in percent. It has its own salt, so that its callers differ from those of any rule's
 * `percent`.
 */
export function followsNext(facts: CallFacts, share: number): boolean {
  return hashUnit('next routes', callerKey(facts)) * 100 < share;
}
