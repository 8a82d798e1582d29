/** How many requests the simulated API takes. Apart from the API, which knows Node's types. */
export interface RateLimit {
  /** Requests in a window of this length. */
  limit: number;
  windowMs: number;
}
