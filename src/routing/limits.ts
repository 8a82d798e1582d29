/** Limits for everything an operator can provide; above them there is a problem, never a hang. */
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
  /** One call may wait for each of them. */
  lookups: 8,
  listEntries: 2_000_000,
  /** Steps of a list that runs flows, with all that its branches hold: each call stores its own. */
  flowSteps: 1_000,
  entryLength: 256,
  tableRows: 2_000_000,
  tableColumns: 200,
  /** Problems shown; a file that is no route file at all would fill the terminal. */
  problems: 200,
  /** Times looked at of one recurring iCal event, and busy times kept of one file. */
  icalOccurrences: 50_000,
  icalSpans: 50_000,
  icalInterval: 1_000_000,
  handlerMs: 50,
  /** On top of it, for the way to the process and back: what a decision may hold the event loop. */
  handlerWayMs: 25,
  /** The code at the top of a handler. */
  handlerLoadMs: 1_000,
  /** All of a load: the start of a process, types, syntax, the code at the top. */
  handlerLoadWaitMs: 5_000,
  handlerAnswerLength: 64 * 1024,
  /** Steps and what they hold: the event loop reads them, some 20 µs each. */
  handlerAnswerValues: 500,
  /** V8's heap in the process of the handlers, and all of its memory. */
  handlerHeapMb: 96,
  handlerMemoryBytes: 192 * 1024 * 1024,
  /** While a file is loaded: the syntax tree of the largest takes 150 MB. */
  handlerLoadMemoryBytes: 256 * 1024 * 1024,
  /** Handlers kept ready, some 0.2 MB each. */
  handlerContexts: 128,
  /** So many calls in a row without an answer in time... */
  handlerOverrunsMax: 3,
  /** ...or so much of the event loop's time, of which a tenth is forgiven as it passes... */
  handlerHeldMs: 400,
  /** ...and a handler is not asked for so long. */
  handlerRestMs: 30_000,
  /** Pairs of rules compared value by value when looking for shadowed rules. */
  subsumptionWork: 20_000_000,
} as const;
