/**
 * Limits for everything an operator can provide; exceeding one is a reported problem, never a hang.
 */
export const LIMITS = {
  /** One route file. 100,000 numbers written inline are about 2 MB. */
  routeFileBytes: 8 * 1024 * 1024,
  listFileBytes: 64 * 1024 * 1024,
  tableFileBytes: 192 * 1024 * 1024,
  icalFileBytes: 4 * 1024 * 1024,
  handlerFileBytes: 256 * 1024,
  /** All files of a route set together. */
  files: 2_000,
  totalBytes: 256 * 1024 * 1024,
  /** Nesting of a YAML document; the deepest sensible route file stays under 20. */
  depth: 64,
  nodes: 1_000_000,
  rules: 20_000,
  /** One call may have to wait for all of them. */
  lookups: 8,
  listEntries: 2_000_000,
  /** Steps of a list that runs flows, including its branches: each call stores its own copy. */
  flowSteps: 1_000,
  entryLength: 256,
  tableRows: 2_000_000,
  tableColumns: 200,
  /** Problems shown, so that a file which is not a route file at all does not fill the terminal. */
  problems: 200,
  /** Instances visited for one recurring iCal event, and closed times kept from one file. */
  icalOccurrences: 50_000,
  icalSpans: 50_000,
  icalInterval: 1_000_000,
  handlerMs: 50,
  /**
   * Added for the way to the process and back, as part of the time that a decision may block the
   * event loop.
   */
  handlerWayMs: 25,
  /** For the top-level code of a handler. */
  handlerLoadMs: 1_000,
  /** For a whole load: starting a process, stripping types, parsing, running the top-level code. */
  handlerLoadWaitMs: 5_000,
  handlerAnswerLength: 64 * 1024,
  /** Values in an answer: the event loop decodes them, at about 20 µs each. */
  handlerAnswerValues: 500,
  /** Of the handler process: V8's heap, and all of its memory. */
  handlerHeapMb: 96,
  handlerMemoryBytes: 192 * 1024 * 1024,
  /** While a file is loaded: the syntax tree of the largest possible file takes 150 MB. */
  handlerLoadMemoryBytes: 256 * 1024 * 1024,
  /** Handlers kept loaded, about 0.2 MB each. */
  handlerContexts: 128,
  /** After this many calls in a row without an answer in time... */
  handlerOverrunsMax: 3,
  /**
   * ...or after this much wasted time of the event loop (a tenth of the elapsed time is
   * subtracted)...
   */
  handlerHeldMs: 400,
  /** ...a handler is paused for this long. */
  handlerRestMs: 30_000,
  /** Pairs of rules compared value by value when looking for shadowed rules. */
  subsumptionWork: 20_000_000,
} as const;
