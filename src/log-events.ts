/**
 * The catalogue of everything we log. Logs are an interface: names are fixed, docs/logs.md lists them,
 * and a test keeps both alike. info: a call moved; warn: we recovered; error: a human is needed.
 */
export interface LogEventSpec {
  level: 'debug' | 'info' | 'warn' | 'error';
  /** One sentence for docs/logs.md. */
  meaning: string;
  /** What an operator does about it; empty where nothing is to be done. */
  action: string;
}

export const LOG_EVENTS = {
  'server.started': {
    level: 'info',
    meaning: 'The server listens.',
    action: '',
  },
  'server.stopping': {
    level: 'info',
    meaning: 'A stop was asked for; webhooks are still taken during the drain delay.',
    action: '',
  },
  'server.stopped': {
    level: 'info',
    meaning: 'Everything taken was committed and the store is closed.',
    action: '',
  },
  'webhook.refused': {
    level: 'warn',
    meaning:
      'Webhooks were refused for one reason; one line per reason and 10 s, with the count since the line before.',
    action:
      'The line names the likely fix: the public key, a proxy that alters bodies, the clock, the API version.',
  },
  'webhook.clock_skew': {
    level: 'warn',
    meaning: 'A genuine webhook carries a timestamp more than 30 s away from our clock.',
    action: 'Synchronise the clock (NTP); beyond SIGNATURE_TOLERANCE_SECS webhooks are refused.',
  },
  'webhook.unavailable': {
    level: 'warn',
    meaning:
      'Webhooks were answered 503 and Telnyx delivers them again; one line per reason and 10 s, with a count.',
    action: 'Look at the store (disk full, read-only, slow) and at the load; see /health/ready.',
  },
  'http.failed': {
    level: 'error',
    meaning: 'An endpoint failed in a way nobody foresaw; it answered 503.',
    action: 'Report the error with its stack.',
  },
  'admin.refused': {
    level: 'warn',
    meaning: 'A request to /v1 or /metrics came with a wrong token.',
    action: 'Check the client; many from one address are somebody guessing.',
  },
  'admin.action': {
    level: 'info',
    meaning: 'An operator did something through the API: who, what, to what.',
    action: '',
  },
} as const satisfies Record<string, LogEventSpec>;

export type LogEventName = keyof typeof LOG_EVENTS;
