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
  'server.stop_timed_out': {
    level: 'error',
    meaning:
      'A stop was not done within SHUTDOWN_TIMEOUT_SECS: what it still waited for, and what the store says. The process ends all the same, with exit code 1.',
    action:
      'Look at the store where the line names it. What was answered 200 is kept; the next start or another replica goes on with it.',
  },
  'server.failed': {
    level: 'error',
    meaning: 'The server cannot start, or had to stop for a reason nobody foresaw.',
    action: 'Read the error; it says what, where, expected and got.',
  },
  'log.dropped': {
    level: 'warn',
    meaning:
      'Standard output could not be written for a while, and `count` lines of this log are missing before this one.',
    action: 'Look after what reads the log, or the disk behind it; calls went on.',
  },
  'call.decided': {
    level: 'info',
    meaning: 'A call route was chosen for a call (rule null: otherwise), and why.',
    action: '',
  },
  'call.trace': {
    level: 'debug',
    meaning: 'For every rule above the chosen one, the first clause that failed.',
    action: '',
  },
  'call.unmanaged': {
    level: 'info',
    meaning: 'A call is left alone: ignored by a rule, outgoing, undecided, or handed back.',
    action: '',
  },
  'call.event': {
    level: 'debug',
    meaning: 'Something happened to a call: what, the phase it led to, and what we did next.',
    action: '',
  },
  'call.answer_refused': {
    level: 'warn',
    meaning: 'Telnyx refused to answer the call; steps that need an answered call are skipped.',
    action: 'Read the detail; a call that another application answers should be ignored by a rule.',
  },
  'call.last_resort': {
    level: 'warn',
    meaning: 'Every step of a call was used up, or patience ran out: the last resort runs.',
    action: 'Look at the attempts above it: the targets of this rule did not take the caller.',
  },
  'call.found_dead': {
    level: 'info',
    meaning:
      'A call had ended before its hangup webhook reached us; a probe or a rejected command revealed it.',
    action:
      'Nothing: a caller who hangs up while a command is on its way looks so. Many: check that Telnyx reaches the webhook URL.',
  },
  'call.contradiction': {
    level: 'error',
    meaning:
      'Telnyx calls a leg ended or unknown of which an event came within the last 10 seconds.',
    action:
      'TELNYX_API_KEY belongs to another account than the webhooks, or TELNYX_API_URL is wrong.',
  },
  'call.release_stuck': {
    level: 'error',
    meaning: 'A call does not end although we hung it up again and again.',
    action: 'End it in the Telnyx portal; check that the API key may send commands.',
  },
  'call.corrected': {
    level: 'info',
    meaning: 'A late event showed that a call had ended otherwise than we thought.',
    action: '',
  },
  'call.ended': {
    level: 'info',
    meaning: 'A call is over, and how it ended.',
    action: '',
  },
  'attempt.started': {
    level: 'info',
    meaning: 'A caller is being moved: a REFER or a transfer was stored and goes out.',
    action: '',
  },
  'attempt.progress': {
    level: 'debug',
    meaning: 'The far end reacts: a NOTIFY with 1xx, or the B-leg exists.',
    action: '',
  },
  'attempt.completed': {
    level: 'info',
    meaning: 'The caller arrived.',
    action: '',
  },
  'attempt.failed': {
    level: 'warn',
    meaning:
      'The caller did not arrive: verdict, SIP code, what it means, the likely cause and the fix.',
    action: 'The line itself says what to do; the next step of the rule is under way already.',
  },
  'attempt.loop': {
    level: 'error',
    meaning:
      'A step would have moved a caller to the very number or address they had called; it was not sent, and the next step ran.',
    action:
      'Correct the destination of the rule in the line; npx referee check warns of such steps.',
  },
  'attempt.abandoned': {
    level: 'info',
    meaning: 'The caller left while being moved.',
    action: '',
  },
  'handler.failed': {
    level: 'warn',
    meaning:
      'A handler threw, was too slow, used up its memory or answered nonsense; the rules went on without it. One that keeps being too slow is not asked for 30 s, which is said once.',
    action: 'Mend the handler; npx referee route shows what it does for a call.',
  },
  'deadline.put_off': {
    level: 'debug',
    meaning: 'A deadline was found late, or soon after a start: put off once by 15 s.',
    action: '',
  },
  'event.dead_letter': {
    level: 'error',
    meaning: 'An event could not be processed; it is kept in the dead letters of the store.',
    action: 'Report the error with its stack; the call goes on by its deadlines.',
  },
  'sweep.failed': {
    level: 'error',
    meaning: 'Deadlines cannot be read from the store; tried again all the time, logged once.',
    action: 'Look at the store: /health/ready says what is wrong with it.',
  },
  'store.unavailable': {
    level: 'error',
    meaning:
      'The store cannot be opened; webhooks and readiness answer 503, and it is tried again every second.',
    action: 'The error says what is wrong with the database; nothing need be restarted afterwards.',
  },
  'upkeep.failed': {
    level: 'warn',
    meaning: 'A job beside calls failed (pruning, heartbeat, reload); tried again, logged once.',
    action: 'Look at the store: /health/ready says what is wrong with it.',
  },
  'store.log_saved': {
    level: 'warn',
    meaning:
      "SQLite's `-wal` or `-shm` file was removed while the server ran; what it held was saved into the database file, and nothing is lost.",
    action:
      'Find out who removes these files: they belong to the database as long as the server runs.',
  },
  'clock.stepped': {
    level: 'warn',
    meaning:
      'A clock was set by `step_secs`: the `system` clock, or the one of the `database`. Deadlines that were running fall as if it had not been.',
    action:
      'Rare ones after a start or a pause of the machine are no harm. Look after NTP where they repeat: signatures are checked by the system clock.',
  },
  'calls.pruned': {
    level: 'info',
    meaning:
      'Calls that ended before `before` (RETENTION_DAYS) were removed from the store: `count`.',
    action: '',
  },
  'store.recovered': {
    level: 'info',
    meaning: 'The store works again.',
    action: '',
  },
  'routes.loaded': {
    level: 'info',
    meaning: 'A route set is live: its hash and its files.',
    action: '',
  },
  'routes.refused': {
    level: 'error',
    meaning: 'A reload was refused, with its problems; the last good set stays live.',
    action: 'Run npx referee check on the routes folder and mend what it names.',
  },
  'routes.warning': {
    level: 'warn',
    meaning: 'The route set is usable, but something in it is probably not meant so.',
    action: 'Run npx referee check on the routes folder.',
  },
  'webhook.refused': {
    level: 'warn',
    meaning:
      'Webhooks were refused for one reason, or came to a wrong path, by a wrong method, or as bytes that are no HTTP; one line per reason and 10 s, with the count since the line before.',
    action:
      'The line names the likely fix: the public key, a proxy that alters bodies, the clock, the API version, the webhook URL, the PROXY protocol or TLS towards this port. Telnyx does not repeat them.',
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
      'Telnyx did not say whether a leg lives, or which legs do; the machine asks again, then goes on without.',
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
  'tracing.failed': {
    level: 'warn',
    meaning:
      'Traces do not reach the OTLP collector, or its variables ask for what is not there; calls go on. One line a minute.',
    action: 'Look at the detail, the OTEL_ variables and the collector; see docs/observability.md.',
  },
} as const satisfies Record<string, LogEventSpec>;

export type LogEventName = keyof typeof LOG_EVENTS;
