/**
 * A Telnyx account as the checks see it. Each part was read separately, and some may be missing.
 */

/** How one request to the account ended. `why` is one line for people. */
export type Reading<T> =
  | { end: 'value'; value: T }
  | { end: 'denied'; status: 401 | 403; why: string }
  | { end: 'missing'; why: string }
  | { end: 'unreachable'; why: string };

export interface Balance {
  /** Decimal texts; null where Telnyx did not say. */
  balance: string | null;
  availableCredit: string | null;
  currency: string | null;
}

export interface Application {
  id: string;
  name: string;
  active: boolean;
  webhookUrl: string | null;
  failoverUrl: string | null;
  apiVersion: string;
  /** Null: Telnyx's default. */
  webhookTimeoutSecs: number | null;
  firstCommandTimeout: boolean;
  firstCommandTimeoutSecs: number | null;
  costInWebhooks: boolean;
  shakenStir: boolean;
  profileId: string | null;
}

export interface PhoneNumber {
  id: string;
  /** +E.164. */
  number: string;
  status: string;
  connectionId: string | null;
  connectionName: string | null;
}

/** What happens to a call to a number before it reaches its connection. */
export interface NumberVoice {
  forwardsTo: string | null;
  forwarding: 'always' | 'on-failure' | null;
  /** What the call's `to` is rewritten to. */
  translatedNumber: string | null;
}

export interface VoiceProfile {
  id: string;
  name: string;
  enabled: boolean;
  /** ISO 3166 alpha-2 in upper case; null where Telnyx did not say. */
  destinations: string[] | null;
  /** Null: no limit. */
  dailySpendLimit: string | null;
  concurrentCallLimit: number | null;
}

export interface DeliveryAttempt {
  delivered: boolean;
  startedAt: number | null;
  /** The signed time: seconds since the epoch, as text. */
  timestamp: string | null;
  /** In words, one for each error that Telnyx names. */
  errors: { code: string; words: string }[];
  url: string | null;
  /** Null if no answer came. */
  response: { status: number | null; body: string } | null;
}

export interface Delivery {
  id: string | null;
  /** Every attempt failed. */
  failed: boolean;
  startedAt: number | null;
  finishedAt: number | null;
  eventType: string | null;
  /** The connection of the event; null if the event does not say. */
  connectionId: string | null;
  /** Newest first. */
  attempts: DeliveryAttempt[];
  /** `data` of the original body, so that the event can be processed again. */
  webhook: unknown;
}

/** What our webhook URL answered when we asked it ourselves. */
export type Reached =
  | { end: 'answered'; status: number; warnings: string[] }
  | { end: 'silent'; why: string };

export interface Account {
  /** How far the `Date` of Telnyx's answers is from our clock; positive: Telnyx's is ahead. */
  clockOffMs: Reading<number>;
  balance: Reading<Balance>;
  /** Base64 of 32 bytes. */
  publicKey: Reading<string>;
  applications: Reading<Application[]>;
  numbers: Reading<PhoneNumber[]>;
  /** By the number's id. */
  voices: Reading<ReadonlyMap<string, NumberVoice>>;
  /** By the profile's id: those that our applications name. */
  profiles: ReadonlyMap<string, Reading<VoiceProfile>>;
  /** The newest ones of call events. */
  deliveries: Reading<Delivery[]>;
  /** By webhook URL. */
  reached: ReadonlyMap<string, Reached>;
}
