/** Every limit of the HTTP side. Telnyx waits 2 s for the answer to a webhook. */
export const HTTP_LIMITS = {
  /** Webhooks are 1 to 3 KB; the largest seen are far below this. */
  bodyBytesMax: 256 * 1024,
  /**
   * Chunks of one body: more than a webhook has bytes, because some proxies forward single bytes.
   */
  bodyPiecesMax: 8_192,
  /**
   * All bodies that are being received, and those that are not answered yet. Beyond it the largest
   * unfinished one is refused. Without it 1,000 clients that did not finish theirs took 240 MB.
   */
  bodiesBytesMax: 32 * 1024 * 1024,
  /**
   * A body of a declared length up to this is not counted there and never refused for others: a
   * webhook fits, and `connectionsMax` bounds what such bodies take together.
   */
  bodyBytesUncounted: 4 * 1024,
  /** How much of a refused request is still read, so that its sender can read the answer. */
  drainedBytesMax: 1024 * 1024,
  headerBytesMax: 16 * 1024,
  /** Real call_control_ids exceed 100 characters, the default of find-my-way. */
  paramCharsMax: 1024,
  /** Time from the first byte until the headers must be complete (against slow-loris attacks). */
  headersTimeoutMs: 5_000,
  /** The whole request, body included. */
  requestTimeoutMs: 10_000,
  /** How often Node checks connections against the two limits above. */
  connectionsCheckMs: 1_000,
  /** A connection without traffic in the middle of a request or answer. */
  connectionTimeoutMs: 60_000,
  /**
   * Longer than the 60 s of common load balancers, so that they close first and no request is lost.
   */
  keepAliveTimeoutMs: 72_000,
  /**
   * Connections not accepted yet. With Node's 511, a burst waits seconds for TCP retransmissions.
   */
  backlog: 4_096,
  /** Each costs a file descriptor and about 10 KB. */
  connectionsMax: 15_000,
  /** Above this, idle connections are closed to make room for new ones. */
  connectionsKept: 8_000,
  /** Requests of one connection that are not answered yet; see pipelining.ts. */
  pipelinedMax: 100,
  /** From closing a server until its remaining connections are destroyed. */
  closeGraceMs: 500,
  /**
   * Telnyx waits 2 s. The commit may still happen after our 503; the next delivery is then a
   * duplicate.
   */
  webhookAnswerMs: 1_500,
  /**
   * Webhooks processed at once. One turn of the event loop for all of them takes less than 50 ms
   * even at 300 µs per webhook. Twice as many gained nothing and made the turns 70 to 140 ms long.
   */
  webhooksUnderWayMax: 64,
  /** Further webhooks wait with their bodies unread, about 20 KB each... */
  webhooksWaitingMax: 1_000,
  /** ...for this long, then 503: together with the processing well within Telnyx's 2 s. */
  webhookWaitMs: 500,
  /**
   * How long reading from a connection is paused after a 503 for lack of capacity. A webhook that a
   * load balancer sends on it meanwhile waits that long and must still be answered within Telnyx's
   * 2 s.
   */
  unheardMs: 400,
  /** The Retry-After of a 503. */
  retryAfterSecs: 1,
  readyPingMs: 1_000,
  readyPingTimeoutMs: 2_000,
  tokenCharsMax: 512,
  tokenFailuresMax: 10,
  tokenFailureWindowMs: 60_000,
  tokenAddressesMax: 10_000,
  /** The reason that an operator gives for an action. */
  reasonCharsMax: 200,
  /**
   * Stored refused actions and sign-ins of one person in a window; further ones are only logged.
   */
  auditPerPersonMax: 60,
  auditWindowMs: 60_000,
  auditPeopleMax: 1_000,
  callsPageDefault: 50,
  /** B-legs shown with their caller. */
  legsMax: 20,
  callsPageMax: 500,
  eventStreamsMax: 100,
  eventPollMs: 500,
  eventHeartbeatMs: 15_000,
  eventBatch: 200,
  /** A client that is further behind is disconnected; it reconnects with Last-Event-ID. */
  eventBufferBytesMax: 1024 * 1024,
  /**
   * The time range of the statistics: default and maximum, and how late a request for exactly that
   * may be answered.
   */
  statsSpanMs: 60 * 60_000,
  statsSpanMaxMs: 24 * 60 * 60_000,
  statsLatenessMs: 60_000,
  /** How many changes /v1/schedules shows of each schedule, up to two weeks ahead. */
  scheduleChangesMax: 30,
  scheduleChangesDays: 14,
  /**
   * Only the newest calls are counted; at 500 per turn of the event loop this takes about 100 ms.
   */
  statsCallsMax: 20_000,
  statsFreshMs: 2_000,
  /** A target needs this many attempts to be judged, and fails below this success rate. */
  failingAttemptsMin: 3,
  failingSuccessRate: 0.5,
  outboxAgeWarnMs: 10_000,
  /** Text shown of one file of a route version, and of all its files. */
  versionFileBytes: 512 * 1024,
  versionBytes: 4 * 1024 * 1024,
  refusalLogEveryMs: 10_000,
  clockSkewWarnSecs: 30,
  clockSkewWarnEveryMs: 60_000,
} as const;
