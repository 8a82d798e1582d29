/** Events that could not be processed. */

export interface DeadLetters {
  /**
   * Keeps an event that could not be processed, so that an operator can look at it. `command` is
   * the command whose outcome the event is; it is stored as done, because otherwise it would be
   * claimed again for ever.
   */
  deadLetter(event: unknown, error: string, command: string | null): Promise<void>;
  /** Newest first; with `before`, only those with a smaller id. */
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
