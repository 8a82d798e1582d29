/**
 * The catalogue of everything we log. Logs are an interface: names are fixed, and a test keeps the
 * table in docs/logs.md equal to this. info: a call progressed; warn: we recovered; error: a human
 * is needed.
 */
export interface LogEventSpec {
  level: 'debug' | 'info' | 'warn' | 'error';
  /** One sentence for docs/logs.md. */
  meaning: string;
  /** What an operator should do; empty if nothing. */
  action: string;
}

export const LOG_EVENTS = {
  'server.started': {
    level: 'info',
    meaning: 'The server is listening.',
    action: '',
  },
  'server.warm': {
    level: 'info',
    meaning:
      'The warm-up of the start has ended: the server played `calls` calls to itself within `ms` milliseconds, fewer if a caller came meanwhile.',
    action: '',
  },
  'server.not_warm': {
    level: 'warn',
    meaning:
      'The warm-up of the start failed. Calls are handled all the same; the first ones wait up to a second longer.',
    action:
      'Give the process a temporary folder that it may write to (TMPDIR) with a few MB of free space, or set WARM_UP_CALLS to 0.',
  },
  'server.stopping': {
    level: 'info',
    meaning: 'The server was asked to stop; webhooks are still accepted during the drain delay.',
    action: '',
  },
  'server.stopped': {
    level: 'info',
    meaning: 'Everything that was accepted is committed and the store is closed.',
    action: '',
  },
  'server.stop_timed_out': {
    level: 'error',
    meaning:
      'The stop did not finish within SHUTDOWN_TIMEOUT_SECS; the line says what it was waiting for and the error of the store. The process ends anyway, with exit code 1.',
    action:
      'Check the store if the line names it. Everything answered with 200 is kept; the next start or another replica continues it.',
  },
  'server.failed': {
    level: 'error',
    meaning: 'The server cannot start, or stopped because of an unexpected error.',
    action: 'Read the error: it says what is wrong, where, what was expected and what was found.',
  },
  'setting.limited': {
    level: 'warn',
    meaning:
      'A variable is valid but has less effect than set, or none, because of another one; `detail` names both.',
    action: 'Change one of the two, as the line says.',
  },
  'token.weak': {
    level: 'warn',
    meaning: 'ADMIN_TOKEN has few different characters, so it is easy to guess.',
    action: 'Generate a token with `openssl rand -base64 32`.',
  },
  'log.dropped': {
    level: 'warn',
    meaning:
      'Standard output could not be written for a while; `count` lines of this log are missing before this one.',
    action: 'Check the process that reads the log, or the disk it is on. Calls were not affected.',
  },
  'call.decided': {
    level: 'info',
    meaning: 'A rule was chosen for a call (rule null: `otherwise`), with the reason.',
    action: '',
  },
  'call.trace': {
    level: 'debug',
    meaning: 'For every rule above the chosen one, the first clause that did not match.',
    action: '',
  },
  'call.cost_unreadable': {
    level: 'warn',
    meaning:
      'A call.cost webhook lacks an amount, or has an invalid one: `detail` says what is wrong. The rest of it is kept.',
    action: 'Look the call up in the Telnyx portal: its cost is missing in our sums.',
  },
  'call.unmanaged': {
    level: 'info',
    meaning:
      'Referee does not handle this call: a rule ignores it, it is outgoing and no rule matches, its direction is unknown, or it was handed back.',
    action: '',
  },
  'call.event': {
    level: 'debug',
    meaning: 'An event of a call: what happened, the resulting phase, and what we did next.',
    action: '',
  },
  'call.answer_refused': {
    level: 'warn',
    meaning: 'Telnyx refused to answer the call; steps that need an answered call are skipped.',
    action:
      'Read the detail. If another application answers these calls, add a rule that ignores them.',
  },
  'call.last_resort': {
    level: 'warn',
    meaning: 'Every step of a call failed, or its patience ran out; the last resort runs.',
    action: 'Look at the attempts in the lines above: no target of this rule took the caller.',
  },
  'call.found_dead': {
    level: 'info',
    meaning:
      'A call had ended before its hangup webhook reached us; a probe or a rejected command revealed it.',
    action:
      'Nothing for a few: it also happens if a caller hangs up while a command is in flight. If there are many, check that Telnyx reaches the webhook URL.',
  },
  'call.contradiction': {
    level: 'error',
    meaning:
      'Telnyx refused a command because the leg has ended or is unknown to it, although an event of it arrived within the last 10 seconds.',
    action:
      'Nothing for a single call with 90018: its caller hung up at that moment. Otherwise TELNYX_API_KEY belongs to another account than the webhooks, or TELNYX_API_URL is wrong.',
  },
  'call.release_stuck': {
    level: 'error',
    meaning: 'A call does not end although the hangup was sent several times.',
    action: 'End the call in the Telnyx portal, and check that the API key may send commands.',
  },
  'call.corrected': {
    level: 'info',
    meaning: 'A late event showed that a call had ended differently from what was recorded.',
    action: '',
  },
  'call.ended': {
    level: 'info',
    meaning:
      'A call ended, with the outcome for the caller (`outcome`, `summary`) and how it ended (`ends`).',
    action: '',
  },
  'attempt.started': {
    level: 'info',
    meaning: 'A caller is being moved: a REFER or a transfer was stored and is being sent.',
    action: '',
  },
  'attempt.progress': {
    level: 'debug',
    meaning: 'The far end reports progress: a NOTIFY with 1xx arrived, or the B-leg exists.',
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
    action: 'The line says what to do. The next step of the rule is already running.',
  },
  'attempt.loop': {
    level: 'error',
    meaning:
      'A step would have moved a caller to the number or address they had called. It was not sent, and the next step ran.',
    action:
      'Correct the destination of the rule that the line names; npx referee check warns about such steps.',
  },
  'attempt.skipped': {
    level: 'info',
    meaning:
      'A target was skipped without an attempt: it rests, or a REFER to it is known to be refused and a transfer follows. Nothing was sent.',
    action: '',
  },
  'attempt.abandoned': {
    level: 'info',
    meaning: 'The call ended while the caller was being moved; usually they hung up.',
    action: '',
  },
  'handler.failed': {
    level: 'warn',
    meaning:
      'A handler threw, was too slow, ran out of memory or returned an invalid answer; the next rules were tried. A handler that is repeatedly too slow is paused for 30 s, which is logged once.',
    action: 'Fix the handler; npx referee route shows what it does for a call.',
  },
  'lookup.failed': {
    level: 'warn',
    meaning:
      'A lookup got no answer: `lookup` is its name, `detail` says why. Conditions that depend on it did not match, and the call continued. There is at most one line per lookup and kind of failure each minute; `repeated` counts the failures since the last one.',
    action:
      'Check the server that the lookup asks; referee_lookups_total shows how often it fails.',
  },
  'deadline.put_off': {
    level: 'debug',
    meaning: 'A deadline was found late, or soon after a start, and was postponed once by 15 s.',
    action: '',
  },
  'event.dead_letter': {
    level: 'error',
    meaning: 'An event could not be processed; it is kept among the dead letters in the store.',
    action: 'Report the error with its stack. The call continues by its deadlines.',
  },
  'observer.failed': {
    level: 'error',
    meaning:
      'A component that receives committed events or sent commands failed: `observer` is report (log and metrics), tracing, next routes, recovery, resting targets, dispatcher or commands (log and metrics of commands). What happened is stored and the call continues; commands that could not be handed to the dispatcher are sent some seconds later, when their lease expires. The line is repeated when the error changes.',
    action:
      'Report the error with its stack. Until it is fixed, some log lines, metrics or traces are missing, or commands are late.',
  },
  'sweep.failed': {
    level: 'error',
    meaning:
      'Deadlines cannot be read from the store. This is retried continuously and logged once.',
    action: 'Check the store: /health/ready says what is wrong with it.',
  },
  'store.unavailable': {
    level: 'error',
    meaning:
      'The store cannot be opened. Webhooks and readiness checks are answered 503, and opening is retried every second.',
    action: 'The error says what is wrong with the database. No restart is needed afterwards.',
  },
  'upkeep.failed': {
    level: 'warn',
    meaning:
      'A background job failed (pruning, heartbeat, reload). It is retried, and this is logged once.',
    action: 'Check the store: /health/ready says what is wrong with it.',
  },
  'store.shared': {
    level: 'warn',
    meaning:
      'Another server uses the same SQLite file. Calls are handled, but whenever one starts, it sends again what the other is just sending, and their writes wait for each other.',
    action: 'Stop one of the two. Several replicas need PostgreSQL.',
  },
  'store.log_saved': {
    level: 'warn',
    meaning:
      "SQLite's `-wal` or `-shm` file was removed while the server was running. Its content was saved into the database file; nothing is lost.",
    action:
      'Find out what removes these files: they are part of the database while the server runs.',
  },
  'clock.stepped': {
    level: 'warn',
    meaning:
      'The `system` clock or the clock of the `database` changed by `step_secs`. Running deadlines are not affected.',
    action:
      'A single one after a start or a pause of the machine is harmless. If it repeats, check NTP, because signatures are checked with the system clock.',
  },
  'calls.pruned': {
    level: 'info',
    meaning:
      'Calls that ended before `before` (RETENTION_DAYS) were removed from the store; `count` says how many.',
    action: '',
  },
  'store.recovered': {
    level: 'info',
    meaning: 'The store works again.',
    action: '',
  },
  'routes.loaded': {
    level: 'info',
    meaning: 'A route set is live; the line has its hash and files.',
    action: '',
  },
  'routes.refused': {
    level: 'error',
    meaning: 'A reload was refused; the line lists the problems. The previous routes stay live.',
    action: 'Run npx referee check on the routes folder and fix what it reports.',
  },
  'routes.activated': {
    level: 'warn',
    meaning:
      'An operator made an older version of the routes live; `folder` is the hash of what the folder holds, null if it is the same. It lasts until a reload or a restart.',
    action: 'Put the routes that should be live into the folder, then reload.',
  },
  'routes.next_loaded': {
    level: 'info',
    meaning:
      'The next route set (ROUTES_NEXT_DIR) was read; decisions are compared with it from now on, and `percent` of the callers follow it.',
    action: '',
  },
  'routes.next_refused': {
    level: 'warn',
    meaning:
      'The next route set (ROUTES_NEXT_DIR) has problems, which the line lists. Nothing changes for any caller. If a valid set was read before, it is still the next one.',
    action: 'Run npx referee check on its folder and fix what it reports.',
  },
  'routes.next_differs': {
    level: 'info',
    meaning:
      'The live set (`before`) and the next one (`after`) decide differently, each with its rule and first target. There is at most one line per pair and minute; `count` is the number of such decisions since the last one.',
    action: '',
  },
  'routes.next_failed': {
    level: 'warn',
    meaning:
      'The next route set caused an error in a decision. The live set decided instead. Each message is logged once.',
    action: 'Report it as a bug; with ROUTES_NEXT_PERCENT=0 no caller follows the next set.',
  },
  'routes.warning': {
    level: 'warn',
    meaning: 'The route set is live, but it probably contains a mistake.',
    action: 'Run npx referee check on the routes folder.',
  },
  'webhook.refused': {
    level: 'warn',
    meaning:
      'Webhooks were refused. This includes a wrong path or method, and bytes that are not HTTP. There is one line per reason every 10 s, with the count since the previous one.',
    action:
      'The line names the likely fix: the public key, a proxy that alters bodies, the clock, the API version, the webhook URL, or PROXY protocol or TLS sent to this port. According to its documentation, Telnyx does not deliver these webhooks again.',
  },
  'webhook.clock_skew': {
    level: 'warn',
    meaning: 'The timestamp of a genuine webhook differs from our clock by more than 30 s.',
    action:
      'Synchronise the clock (NTP). Webhooks that differ by more than SIGNATURE_TOLERANCE_SECS are refused.',
  },
  'webhook.unavailable': {
    level: 'warn',
    meaning:
      'Webhooks were answered 503, and Telnyx delivers them again. There is one line per reason every 10 s, with a count.',
    action: 'Check the store (disk full, read-only, slow) and the load; see /health/ready.',
  },
  'webhook.without_call': {
    level: 'warn',
    meaning:
      'Webhooks that Telnyx signed and that should be about a call do not name a usable one. They were answered 200, because another delivery would not differ, and have no effect. There is one line per event type (`reason`) every 10 s, with a count.',
    action:
      'Look the event or its session up in the Telnyx portal and report the body to Telnyx: its call_control_id must be a text of 1 to 1,024 characters without spaces. If it is, report it to us. Callers of such calls are not served.',
  },
  'http.failed': {
    level: 'error',
    meaning: 'An endpoint failed with an unexpected error and answered 503.',
    action: 'Report the error with its stack.',
  },
  'admin.refused': {
    level: 'warn',
    meaning:
      'Somebody used the API, the page or the metrics with a wrong token, or with a token whose role may not do that.',
    action:
      'Check the client: `by` says whose token it was, and is null for a wrong one. Many from one address mean that somebody is guessing tokens.',
  },
  'admin.action': {
    level: 'info',
    meaning:
      'Somebody acted through the API, or tried to and was refused: who (`by`), what, on which object, why, and with what result.',
    action: '',
  },
  'audit.unwritten': {
    level: 'error',
    meaning:
      'The result of an action by an operator could not be written to the store. Its row says `unknown`, or is missing if the action was refused; the previous log line has everything.',
    action: 'Check the store (disk full, read-only, unreachable); see /health/ready.',
  },
  'tokens.loaded': {
    level: 'info',
    meaning: 'TOKENS_FILE was read: `count` people besides ADMIN_TOKEN have a token.',
    action: '',
  },
  'tokens.refused': {
    level: 'error',
    meaning: 'TOKENS_FILE changed and is invalid; the tokens from before are still valid.',
    action: 'Correct the file; it is read again within five seconds.',
  },
  'target.resting': {
    level: 'warn',
    meaning:
      'A target is down, so rules skip it while another target follows; the line says why, and when one caller tries it again. Or an operator put it to rest.',
    action: 'Look at the target: its PBX or trunk fails or does not answer. It wakes by itself.',
  },
  'target.awake': {
    level: 'info',
    meaning: 'A target that rested answers again, or an operator woke it.',
    action: '',
  },
  'switch.changed': {
    level: 'info',
    meaning:
      'An operator turned a switch of the call routes: to what, until when, why, and who. `until` null: until somebody turns it again.',
    action: '',
  },
  'override.unknown': {
    level: 'warn',
    meaning:
      'The new route set does not have a schedule or switch that an operator has overridden, so the override has no effect now.',
    action:
      'End it (the page or the API), so that it does not apply again should the name come back, or put the name back into the routes.',
  },
  'command.accepted': {
    level: 'debug',
    meaning: 'Telnyx accepted a command, or a probe showed whether a leg still exists.',
    action: '',
  },
  'command.rejected': {
    level: 'warn',
    meaning: 'Telnyx refused a command; the plan continues without it.',
    action: 'Read the meaning, cause and fix in the line.',
  },
  'command.call_ended': {
    level: 'debug',
    meaning: 'A command was too late: the call had already ended.',
    action: '',
  },
  'command.retry': {
    level: 'warn',
    meaning:
      'A command got no clear answer or met a rate limit; it is sent again as long as that is safe.',
    action: '',
  },
  'command.unknown': {
    level: 'error',
    meaning:
      'A command was given up: for as long as it could be sent, Telnyx could not be reached or gave no clear answer. `detail` says whether it was sent; if it was, it may have been executed.',
    action: 'Check the detail, the network and status.telnyx.com.',
  },
  'command.misconfigured': {
    level: 'error',
    meaning:
      'Commands fail because of a wrong setting. There is one line per setting every minute, with the count since the previous one.',
    action: 'Correct the setting that the line names, then restart.',
  },
  'command.lapsed': {
    level: 'warn',
    meaning:
      'A command waited longer than its lease. This process does not send it; the next process to claim it does.',
    action: 'Check the command metrics: Telnyx answers slowly, or this process is overloaded.',
  },
  'probe.unknown': {
    level: 'warn',
    meaning:
      'Telnyx did not say whether a leg still exists, or which legs do. Referee asks again, then continues without an answer.',
    action: '',
  },
  'recovery.done': {
    level: 'info',
    meaning:
      'Telnyx was asked for the webhooks missed since `since`. The line says how many were stored now, by type, how many callers had hung up before we heard of them, and how many live legs are unknown here.',
    action: 'Look at the lost callers on the page or at /v1/lost-callers; see docs/outages.md.',
  },
  'recovery.failed': {
    level: 'warn',
    meaning:
      'Not all missed webhooks could be recovered: Telnyx could not be asked for them, or the store was away; the error says which. This is tried again within ten minutes, and logged again only if the error changes.',
    action:
      'If the store was away, see /health/ready. After a 403 from Telnyx, use an API key that may read webhook deliveries and connections. See docs/outages.md.',
  },
  'outcome.unrecorded': {
    level: 'warn',
    meaning:
      'The store did not accept the outcome of a command. The outcome is kept and retried. There is one line every 10 s, with a count.',
    action: 'Check the store (disk full, read-only, unreachable); see /health/ready.',
  },
  'outbox.unreadable': {
    level: 'warn',
    meaning: 'Pending commands could not be claimed from the store. This is retried every second.',
    action: 'Check the store; see /health/ready.',
  },
  'account.problem': {
    level: 'warn',
    meaning:
      'A check of the Telnyx account, or of how it fits the routes, found a problem: the check, its subject, and the fact in `detail`. It is logged once when it is found; calls are still accepted.',
    action: 'Do what `fix` says; npx referee doctor shows every check.',
  },
  'account.resolved': {
    level: 'info',
    meaning: 'The problem of an earlier `account.problem` line is gone.',
    action: '',
  },
  'account.check_failed': {
    level: 'warn',
    meaning: 'The check of the Telnyx account failed unexpectedly; it will be repeated.',
    action: 'Report the error with its stack; calls are not affected.',
  },
  'tracing.failed': {
    level: 'warn',
    meaning:
      'Traces do not reach the OTLP collector, or an OTEL_ variable asks for something unsupported. Calls are not affected. There is one line per minute.',
    action: 'Check the detail, the OTEL_ variables and the collector; see docs/observability.md.',
  },
} as const satisfies Record<string, LogEventSpec>;

export type LogEventName = keyof typeof LOG_EVENTS;
