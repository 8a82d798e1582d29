/**
 * Why the verification of a webhook failed, and what to check: the texts for the 401 response and
 * the log.
 */
export type RefusalReason =
  | 'signature_missing'
  | 'api_version_1'
  | 'signature_malformed'
  | 'timestamp_missing'
  | 'timestamp_malformed'
  | 'timestamp_stale'
  | 'signature_wrong';

export interface SignatureRefusal {
  reason: RefusalReason;
  /** What exactly was found, in words; never contains a value from the request. */
  detail: string;
}

interface RefusalWords {
  /** What was refused. */
  title: string;
  /** The most likely cause, and where to fix it. */
  fix: string;
}

export const REFUSAL_WORDS: Readonly<Record<RefusalReason, RefusalWords>> = {
  signature_missing: {
    title: 'The header telnyx-signature-ed25519 is missing.',
    fix: 'A proxy probably drops it, or the request is not from Telnyx. Configure the proxy to pass the telnyx-* headers.',
  },
  api_version_1: {
    title: 'The webhook is signed according to webhook API version 1.',
    fix: 'The Telnyx application is still on webhook API version 1: set it to version 2 (API v2) in the portal.',
  },
  signature_malformed: {
    title: 'The header telnyx-signature-ed25519 is not an Ed25519 signature.',
    fix: 'Telnyx sends base64 of 64 bytes. A proxy probably rewrites or repeats the header, or the request is not from Telnyx.',
  },
  timestamp_missing: {
    title: 'The header telnyx-timestamp is missing.',
    fix: 'A proxy probably drops it, or the request is not from Telnyx. Configure the proxy to pass the telnyx-* headers.',
  },
  timestamp_malformed: {
    title: 'The header telnyx-timestamp is not a time in whole seconds.',
    fix: 'A proxy probably rewrites or repeats the header, or the request is not from Telnyx.',
  },
  timestamp_stale: {
    title: 'The timestamp of the webhook differs too much from our clock.',
    fix: 'Synchronise the clock of this machine (NTP). If it is right, somebody replays old webhooks, or a queue delays them.',
  },
  signature_wrong: {
    title: 'The signature does not match the body with any of our public keys.',
    fix: 'TELNYX_PUBLIC_KEY is probably the wrong key (another account, or rotated), or a proxy alters the body, which must pass unchanged, byte for byte.',
  },
};
