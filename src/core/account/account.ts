/** A Telnyx account as the checks see it: each part of it was read by itself, and may not have been. */

/** How one question to the account ended. `why` is one line for a person. */
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
  /** Null: Telnyx's own. */
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

/** What becomes of a call to a number before it reaches its connection. */
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
  /** The time that was signed: seconds since the epoch, as text. */
  timestamp: string | null;
  /** In words, one for each error that Telnyx names. */
  errors: { code: string; words: string }[];
  url: string | null;
  /** Null where no answer came. */
  response: { status: number | null; body: string } | null;
}

export interface Delivery {
  id: string | null;
  /** Every attempt failed. */
  failed: boolean;
  startedAt: number | null;
  finishedAt: number | null;
  eventType: string | null;
  /** Whose event it is; null where it does not say. */
  connectionId: string | null;
  /** Newest first. */
  attempts: DeliveryAttempt[];
  /** The event as it was sent, for whoever takes it up again: the original body's `data`. */
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
