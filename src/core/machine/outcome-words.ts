/** An outcome in words, which an attempt keeps as its reason, and what the words say of a refusal. */
import type { Outcome } from './command.ts';

export function outcomeWords(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'accepted':
      if (outcome.alive === null) return 'accepted';
      return outcome.alive ? 'alive' : 'dead';
    case 'rejected':
      return `rejected with ${outcome.status}${outcome.code === null ? '' : `, ${outcome.code}`}: ${outcome.detail}`;
    case 'retry':
      return `to be tried again: ${outcome.detail}`;
    case 'unknown':
      return `outcome unknown: ${outcome.detail}`;
    default:
      return outcome satisfies never;
  }
}

/** What Telnyx refused an attempt with, from the words above. */
export function refusedWith(reason: string | null): { status: number | null; code: string | null } {
  const [, status, code = null] = /^rejected with (\d+)(?:, ([^:]+))?: /.exec(reason ?? '') ?? [];
  return { status: status === undefined ? null : Number(status), code };
}
