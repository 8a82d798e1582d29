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
  'command.accepted': {
    level: 'debug',
    meaning: 'Telnyx accepted a command, or a probe told whether a leg lives.',
    action: '',
  },
  'command.rejected': {
    level: 'warn',
    meaning: 'Telnyx refused a command; the plan goes on without it.',
    action: 'Read meaning, cause and fix in the line.',
  },
  'command.call_ended': {
    level: 'debug',
    meaning: 'A command came too late: the call had ended.',
    action: '',
  },
  'command.retry': {
    level: 'warn',
    meaning: 'A command got no clear answer or met a limit; it is sent again while that is safe.',
    action: '',
  },
  'command.unknown': {
    level: 'error',
    meaning:
      'Nobody knows whether a command was carried out: it got no clear answer for as long as it may be repeated.',
    action: 'Look at the detail, the network and status.telnyx.com.',
  },
  'command.misconfigured': {
    level: 'error',
    meaning:
      'A setting of ours makes commands fail; one line a minute and setting, with the count since the line before.',
    action: 'Correct the setting that the line names and restart.',
  },
  'command.lapsed': {
    level: 'warn',
    meaning:
      'A command waited longer than its lease and is left to whoever claims it next, perhaps ourselves.',
    action: 'Telnyx answers slowly or this process is overloaded; see the command metrics.',
  },
  'probe.unknown': {
    level: 'warn',
    meaning:
      'Telnyx did not say whether a leg lives; the machine asks again, then goes on without.',
    action: '',
  },
  'outcome.unrecorded': {
    level: 'warn',
    meaning:
      'The store does not take the outcome of a command; it is kept and tried again. One line in 10 s, with a count.',
    action: 'Look at the store (disk full, read-only, unreachable); see /health/ready.',
  },
  'outbox.unreadable': {
    level: 'warn',
    meaning: 'Pending commands could not be claimed from the store; tried again every second.',
    action: 'Look at the store; see /health/ready.',
  },
} as const satisfies Record<string, LogEventSpec>;

export type LogEventName = keyof typeof LOG_EVENTS;
