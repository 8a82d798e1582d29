/** Events that could not be processed. */

export interface DeadLetters {
  /**
   * Keeps an event that could not be processed, for a human to look at. `command` is the one whose
   * outcome the event is; it counts as done, or it would be claimed again for ever.
   */
  deadLetter(event: unknown, error: string, command: string | null): Promise<void>;
  /** The newest first; with `before`, those whose id is smaller. */
  deadLetters(limit: number, before: number | null): Promise<DeadLetter[]>;
  findDeadLetter(id: number): Promise<DeadLetter | null>;
  /** False if there is none. */
  dropDeadLetter(id: number): Promise<boolean>;
}

export interface DeadLetter {
  id: number;
  at: number;
  error: string;
  event: unknown;
}
