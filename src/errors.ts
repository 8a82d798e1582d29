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

/** The store cannot take a write now: 503, Telnyx delivers again. */
export class StoreUnavailable extends RefereeError {
  constructor(message: string, options?: ErrorOptions) {
    super('STORE_UNAVAILABLE', message, options);
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
