/**
 * How long ago a command was first sent, by our own clocks. The store's clock says less where the
 * machine was suspended, or the database's clock was set back: Telnyx would by then have forgotten
 * the command_id, and would execute a repetition as a new command.
 */
import { atLeastSince, type Clock, type Mark } from '../clock.ts';

/** Where another process went on with the command, nothing tells us that it is done. */
const KEPT_MS = 10 * 60_000;

export class FirstRequests {
  readonly #clock: Clock;
  /** The oldest first. */
  readonly #marks = new Map<string, Mark>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A request of unknown outcome was made after `mark`. */
  noteUnclear(commandId: string, mark: Mark): void {
    for (const [id, { monotonic }] of this.#marks) {
      if (this.#clock.monotonic() - monotonic < KEPT_MS) break;
      this.#marks.delete(id);
    }
    if (!this.#marks.has(commandId)) this.#marks.set(commandId, mark);
  }

  forget(commandId: string): void {
    this.#marks.delete(commandId);
  }

  /** 0 if no request of unknown outcome was made. */
  agoMs(commandId: string): number {
    const mark = this.#marks.get(commandId);
    return mark === undefined ? 0 : atLeastSince(this.#clock, mark);
  }
}
