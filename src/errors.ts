/**
 * Our errors. A message says what, where, what was expected, what was found and what to do. The
 * code is stable and is used in tests, logs and problem+json answers.
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
  /** The file, or host and database: for the log only. */
  where?: string;
  /** The message of the system or the database, which may contain anything. */
  said?: string;
}

/**
 * The store cannot write now: 503, and Telnyx delivers again. The message is for the log and the
 * command line; `forAnybody` is for the public `/health/ready`, so `words` must not contain host,
 * user or path.
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

/** The commit was sent but its result is unknown. 503; the outbox continues. */
export class CommitUnknown extends RefereeError {
  constructor(message: string, options?: ErrorOptions) {
    super('COMMIT_UNKNOWN', message, options);
  }
}

/** A row was written by newer code, and only newer code may change it. */
export class NewerRow extends RefereeError {
  constructor(message: string, options?: ErrorOptions) {
    super('NEWER_ROW', message, options);
  }
}

/** Something the operator wrote is invalid; lists all problems at once. */
export class InvalidConfiguration extends RefereeError {
  readonly problems: string[];
  /** Those of the problems that say that something is not set. */
  readonly missing: readonly string[];

  constructor(what: string, problems: string[], missing: readonly string[] = []) {
    super(
      'INVALID_CONFIGURATION',
      `${what}: ${problems.length === 1 ? 'one problem' : `${problems.length} problems`}\n${problems.map((p) => `  - ${p}`).join('\n')}`,
    );
    this.problems = problems;
    this.missing = missing;
  }
}

/** The receiver's queue is full. */
export class TooBusy extends RefereeError {
  constructor(message: string, options?: ErrorOptions) {
    super('TOO_BUSY', message, options);
  }
}

/** The server cannot listen on an address or port; the message names the variable. */
export class CannotListen extends RefereeError {
  constructor(message: string, options?: ErrorOptions) {
    super('CANNOT_LISTEN', message, options);
  }
}

/** Not everything was closed within SHUTDOWN_TIMEOUT_SECS; the log says what was still open. */
export class StopTimedOut extends RefereeError {
  constructor(message: string) {
    super('STOP_TIMED_OUT', message);
  }
}

/** All of them, each in its own words. The code is that of the first. */
export function joined(first: RefereeError, others: readonly RefereeError[]): RefereeError {
  const messages = [first, ...others].map(({ message }) => message);
  return new RefereeError(first.code, messages.join('\n'));
}

export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
