/**
 * Why a webhook is not believed, and what its operator should look at: the words of the 401's body and
 * of the log, in one table.
 */
export type RefusalReason =
  | 'signature_missing'
  | 'api_version_1'
  | 'signature_malformed'
  | 'timestamp_missing'
  | 'timestamp_malformed'
  | 'timestamp_stale'
  | 'signature_wrong';

export interface Refusal {
  reason: RefusalReason;
  /** What exactly was found, in words; never a value from the request. */
  detail: string;
  /** Our clock minus the timestamp, in seconds; null where there is no readable timestamp. */
  skewSecs: number | null;
}

export interface RefusalWords {
  /** What was refused. */
  title: string;
  /** What most likely is wrong, and where to mend it. */
  fix: string;
}

export const REFUSAL_WORDS: Readonly<Record<RefusalReason, RefusalWords>> = {
  signature_missing: {
    title: 'The header telnyx-signature-ed25519 is missing.',
    fix: 'Likely a proxy drops it, or the request is not from Telnyx. Let the proxy pass the telnyx-* headers on.',
  },
  api_version_1: {
    title: 'The webhook is signed in the way of webhook API version 1.',
    fix: 'The Telnyx application is still on webhook API version 1: set it to version 2 (API v2) in the portal.',
  },
  signature_malformed: {
    title: 'The header telnyx-signature-ed25519 is not an Ed25519 signature.',
    fix: 'Telnyx sends base64 of 64 bytes. Likely a proxy rewrites or repeats the header, or the request is not from Telnyx.',
  },
  timestamp_missing: {
    title: 'The header telnyx-timestamp is missing.',
    fix: 'Likely a proxy drops it, or the request is not from Telnyx. Let the proxy pass the telnyx-* headers on.',
  },
  timestamp_malformed: {
    title: 'The header telnyx-timestamp is not a time in whole seconds.',
    fix: 'Likely a proxy rewrites or repeats the header, or the request is not from Telnyx.',
  },
  timestamp_stale: {
    title: 'The timestamp of the webhook is too far from our clock.',
    fix: 'Synchronise the clock of this machine (NTP). If it is right, somebody repeats old webhooks, or a queue holds them back.',
  },
  signature_wrong: {
    title: 'The signature does not fit the body with any of our public keys.',
    fix: 'Likely TELNYX_PUBLIC_KEY is the wrong key (another account, or rotated), or a proxy alters the body on its way: it must pass unchanged, byte for byte.',
  },
};
