/** Every limit of the HTTP side, by name. Telnyx's own: it waits 2 s for a webhook's answer. */
export const HTTP_LIMITS = {
  /** A webhook of Telnyx is 1 to 3 KB; the largest seen are far below. */
  bodyBytesMax: 256 * 1024,
  /** Chunks of one body: more than any webhook has bytes, for some proxies pass on single ones. */
  bodyPiecesMax: 8_192,
  /** Unread bytes of a refused request we still take in, so that its sender gets to read the answer. */
  drainedBytesMax: 1024 * 1024,
  headerBytesMax: 16 * 1024,
  /** Real call_control_ids pass 100 characters, find-my-way's default. */
  paramCharsMax: 1024,
  /** Headers must be complete by then, counted from the first byte: a slow loris ends here. */
  headersTimeoutMs: 5_000,
  /** The whole request, body included. */
  requestTimeoutMs: 10_000,
  /** How often Node looks for connections over the two limits above. */
  connectionsCheckMs: 1_000,
  /** A connection without any traffic, in the middle of a request or answer. */
  connectionTimeoutMs: 60_000,
  /** Longer than the 60 s of common balancers, so that they close first and no request meets a closed socket. */
  keepAliveTimeoutMs: 72_000,
  /** Connections not accepted yet: beyond Node's 511 a burst of new ones meets seconds of silence (TCP tries again). */
  backlog: 4_096,
  /** A file descriptor and some 10 KB each. */
  connectionsMax: 15_000,
  /** From here on connections that wait for a next request are closed, so that new ones find room. */
  connectionsKept: 8_000,
  /** From the close of a server until the connections that are left are cut. */
  closeGraceMs: 500,
  /** Telnyx waits 2 s; the commit may still happen after our 503, the next delivery is then a duplicate. */
  webhookAnswerMs: 1_500,
  /**
   * Webhooks worked on at once: one turn of the event loop that works on all of them takes less than 50 ms
   * also where a webhook costs 300 µs. Twice as many got no more through, and made the turns 70 to 140 ms.
   */
  webhooksUnderWayMax: 64,
  /** The others wait at the door, their bodies unread: some 20 KB each, which the collector copies... */
  webhooksWaitingMax: 1_000,
  /** ...and for so long, then 503: together with the work still well within Telnyx's 2 s. */
  webhookWaitMs: 500,
  /**
   * A connection that was sent away for want of room is not read for so long: whose webhook a balancer puts
   * on it waits that much more, and must still have its answer before Telnyx's 2 s are over.
   */
  unheardMs: 400,
  /** What a 503 asks the sender to wait. */
  retryAfterSecs: 1,
  readyPingMs: 1_000,
  readyPingTimeoutMs: 2_000,
  tokenFailuresMax: 10,
  tokenFailureWindowMs: 60_000,
  tokenAddressesMax: 10_000,
  callsPageDefault: 50,
  /** B-legs shown with their caller. */
  legsMax: 20,
  callsPageMax: 500,
  eventStreamsMax: 100,
  eventPollMs: 500,
  eventHeartbeatMs: 15_000,
  eventBatch: 200,
  /** A client that reads slower than this much behind is cut off; it comes back with Last-Event-ID. */
  eventBufferBytesMax: 1024 * 1024,
  /** What the charts cover unless asked otherwise, and at most. */
  statsSpanMs: 60 * 60_000,
  statsSpanMaxMs: 24 * 60 * 60_000,
  /** The newest so many calls are counted; at 500 a step of the event loop this is some 100 ms in all. */
  statsCallsMax: 20_000,
  statsFreshMs: 2_000,
  /** A target with fewer attempts in the span is not judged; below this share of success it fails. */
  failingAttemptsMin: 3,
  failingSuccessRate: 0.5,
  outboxAgeWarnMs: 10_000,
  /** Heartbeats come every 5 s: one not heard of for so long is gone. */
  replicaSeenMs: 20_000,
  refusalLogEveryMs: 10_000,
  clockSkewWarnSecs: 30,
  clockSkewWarnEveryMs: 60_000,
} as const;
