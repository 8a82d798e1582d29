/**
 * The error family. A message says what, where, what was expected, what came, and what to do; the code
 * is stable and is what tests, logs and problem+json answers name.
 */
export class RefereeError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RefereeError';
    this.code = code;
  }
}

export interface StoreTrouble extends ErrorOptions {
  /** The file, or host and database: for the log, not for strangers. */
  where?: string;
  /** What the system or the database itself said, which may name anything. */
  said?: string;
}

/**
 * The store cannot take a write now: 503, Telnyx delivers again. The message is for the log and the
 * command line; `forAnybody` is what the public `/health/ready` shows, so `words` name no place.
 */
export class StoreUnavailable extends RefereeError {
  readonly #words: string;

  constructor(words: string, { where, said, ...options }: StoreTrouble = {}) {
    const place = where === undefined ? '' : `${where}: `;
    super('STORE_UNAVAILABLE', `${place}${words}${said ? ` (${said})` : ''}`, options);
    this.#words = words;
  }

  get forAnybody(): string {
    return this.#words;
  }
}

/** The commit was sent and its result never came: it may have happened. 503; the outbox carries on. */
export class CommitUnknown extends RefereeError {
  constructor(message: string, options?: ErrorOptions) {
    super('COMMIT_UNKNOWN', message, options);
  }
}

/** A row was written by newer code than ours: left to newer code. */
export class NewerRow extends RefereeError {
  constructor(message: string, options?: ErrorOptions) {
    super('NEWER_ROW', message, options);
  }
}

/** Something the operator wrote is not as it must be; all problems at once. */
export class InvalidConfiguration extends RefereeError {
  readonly problems: string[];

  constructor(what: string, problems: string[]) {
    super(
      'INVALID_CONFIGURATION',
      `${what}: ${problems.length === 1 ? 'one problem' : `${problems.length} problems`}\n${problems.map((p) => `  - ${p}`).join('\n')}`,
    );
    this.problems = problems;
  }
}

/** More events wait than the queue before the store may hold. */
export class TooBusy extends RefereeError {
  constructor(message: string, options?: ErrorOptions) {
    super('TOO_BUSY', message, options);
  }
}

/** An address or port that cannot be listened on, in the words of the variables that name it. */
export class CannotListen extends RefereeError {
  constructor(message: string, options?: ErrorOptions) {
    super('CANNOT_LISTEN', message, options);
  }
}

/** Not everything was closed within SHUTDOWN_TIMEOUT_SECS; the log has said what was waited for. */
export class StopTimedOut extends RefereeError {
  constructor(message: string) {
    super('STOP_TIMED_OUT', message);
  }
}
