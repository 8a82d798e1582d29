/** Commands that wait for a slot; order.ts says which of them may go next. */
import type { Action } from '../../core/machine/command.ts';
import type { Job } from './job.ts';
import { mayJoin } from './order.ts';

export class JobQueue {
  /** Hangups and rejects, which go first, and the rest. */
  readonly #urgent: Job[] = [];
  readonly #others: Job[] = [];
  /** For the operator's servers, which have slots of their own. */
  readonly #lookups: Job[] = [];
  /** What is in flight for each leg, because the prompts of a leg must reach Telnyx in order. */
  readonly #inFlight = new Map<string, Action[]>();

  /** Commands for Telnyx. */
  get waiting(): number {
    return this.#urgent.length + this.#others.length;
  }

  add(job: Job): void {
    const { action } = job.claimed.command;
    if (action === 'lookup') this.#lookups.push(job);
    else if (action === 'hangup' || action === 'reject') this.#urgent.push(job);
    else this.#others.push(job);
  }

  /** Undefined if none may go yet. */
  next(): Job | undefined {
    const urgent = this.#urgent.shift();
    if (urgent !== undefined) return urgent;
    const index = this.#others.findIndex(({ claimed: { command } }) => {
      return mayJoin(command.action, this.#inFlight.get(command.legId) ?? []);
    });
    return index < 0 ? undefined : this.#others.splice(index, 1)[0];
  }

  nextLookup(): Job | undefined {
    return this.#lookups.shift();
  }

  started({ claimed: { command } }: Job): void {
    const { legId, action } = command;
    if (action === 'lookup') return;
    this.#inFlight.set(legId, [...(this.#inFlight.get(legId) ?? []), action]);
  }

  ended({ claimed: { command } }: Job): void {
    const { legId, action } = command;
    if (action === 'lookup') return;
    const left = [...(this.#inFlight.get(legId) ?? [])];
    left.splice(left.indexOf(action), 1);
    if (left.length === 0) this.#inFlight.delete(legId);
    else this.#inFlight.set(legId, left);
  }

  /** False if it is not waiting. */
  remove(commandId: string): boolean {
    for (const jobs of [this.#urgent, this.#others, this.#lookups]) {
      const index = jobs.findIndex(({ claimed }) => claimed.command.id === commandId);
      if (index >= 0) return jobs.splice(index, 1).length > 0;
    }
    return false;
  }

  clear(): void {
    this.#urgent.length = 0;
    this.#others.length = 0;
    this.#lookups.length = 0;
  }
}
