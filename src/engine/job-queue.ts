/** Commands that wait for a slot, and which of them may go next: see order.ts. */
import type { Action } from '../core/machine/command.ts';
import type { Job } from './job.ts';
import { mayJoin } from './order.ts';

export class JobQueue {
  /** Hangups and rejects, which go first, and the rest. */
  readonly #urgent: Job[] = [];
  readonly #others: Job[] = [];
  /** What is in flight per leg, because the prompts of a leg must reach Telnyx in order. */
  readonly #inFlight = new Map<string, Action[]>();

  get waiting(): number {
    return this.#urgent.length + this.#others.length;
  }

  add(job: Job): void {
    const { action } = job.claimed.command;
    (action === 'hangup' || action === 'reject' ? this.#urgent : this.#others).push(job);
  }

  /** Undefined where none may go yet. */
  next(): Job | undefined {
    const urgent = this.#urgent.shift();
    if (urgent !== undefined) return urgent;
    const index = this.#others.findIndex(({ claimed: { command } }) => {
      return mayJoin(command.action, this.#inFlight.get(command.legId) ?? []);
    });
    return index < 0 ? undefined : this.#others.splice(index, 1)[0];
  }

  started({ claimed: { command } }: Job): void {
    const { legId, action } = command;
    this.#inFlight.set(legId, [...(this.#inFlight.get(legId) ?? []), action]);
  }

  ended({ claimed: { command } }: Job): void {
    const { legId, action } = command;
    const left = [...(this.#inFlight.get(legId) ?? [])];
    left.splice(left.indexOf(action), 1);
    if (left.length === 0) this.#inFlight.delete(legId);
    else this.#inFlight.set(legId, left);
  }

  /** False where it does not wait. */
  remove(commandId: string): boolean {
    for (const jobs of [this.#urgent, this.#others]) {
      const index = jobs.findIndex(({ claimed }) => claimed.command.id === commandId);
      if (index >= 0) return jobs.splice(index, 1).length > 0;
    }
    return false;
  }

  clear(): void {
    this.#urgent.length = 0;
    this.#others.length = 0;
  }
}
