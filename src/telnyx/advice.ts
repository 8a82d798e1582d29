/**
 * What a failure means, its usual cause and what to do: one table, so that the log and the
 * operator's page use the same words.
 */
import type { Attempt, Verdict } from '../core/machine/call.ts';
import { maybeTried } from '../core/machine/counting.ts';
import { refusedWith } from '../core/machine/outcome-words.ts';

export interface Advice {
  meaning: string;
  cause: string;
  fix: string;
}

export interface Failure {
  verdict?: Verdict | null;
  /** Telnyx never said that it executed the command, and nothing has shown it. */
  maybeTried?: boolean;
  /** Default: refer. */
  kind?: Attempt['kind'];
  /** SIP status from the NOTIFY's sipfrag body. */
  sipNotifyResponse?: number | null;
  /** Telnyx error code. */
  code?: string | null;
  /** HTTP status of the API's answer. */
  status?: number | null;
}

/** Null if it did not fail, and if nothing was sent: then its own reason says everything. */
export function adviceForAttempt(attempt: Attempt): Advice | null {
  const { verdict, kind, sipNotifyResponse, final, unsent, reason } = attempt;
  if (verdict === null || unsent) return null;
  return adviceFor({
    verdict,
    maybeTried: maybeTried(attempt),
    kind,
    sipNotifyResponse: final ? sipNotifyResponse : null,
    ...(verdict === 'rejected' ? refusedWith(reason) : {}),
  });
}

/**
 * Tries the most specific fact first: the SIP status, Telnyx's code, the HTTP status, our verdict.
 */
export function adviceFor(failure: Failure): Advice | null {
  return (
    bySip(failure.sipNotifyResponse ?? null, failure.verdict ?? null) ??
    byCode(failure.code ?? null) ??
    byStatus(failure.status ?? null) ??
    (failure.maybeTried ? TELNYX_DOWN : null) ??
    byVerdict(failure.verdict ?? null, failure.kind ?? 'refer')
  );
}

const KEY: Advice = {
  meaning: 'Telnyx does not accept our API key.',
  cause: 'TELNYX_API_KEY is wrong, was revoked, or belongs to another account.',
  fix: 'Put a valid key of this account (portal: API Keys) into TELNYX_API_KEY and restart.',
};
const BUSY: Advice = {
  meaning: 'The target is busy.',
  cause: 'The line is in use, or all its channels are.',
  fix: 'Nothing to fix. To try another target, name it in if_failed: { busy: … }.',
};
const NO_ANSWER: Advice = {
  meaning: 'Nobody answered in time.',
  cause: 'The target rang until the timeout, or its phone is not registered.',
  fix: "Check that the target's phone is registered, raise the target's timeout, or add another step.",
};
const DECLINED: Advice = {
  meaning: 'The target declined the call.',
  cause:
    'Somebody pressed reject, do-not-disturb is on, or a policy at the target refuses this caller.',
  fix: 'Check do-not-disturb and the call policy at the target, or name another target in if_failed: { declined: … }.',
};
const NOT_FOUND: Advice = {
  meaning: 'The target does not know this address.',
  cause:
    'The user part of the SIP address is misspelt or no longer exists, or the number is incomplete.',
  fix: "Correct the target's SIP address in the route file; npx referee route shows what is dialled.",
};
const REFUSED: Advice = {
  meaning: "The caller's side refuses the REFER, or the target the credentials.",
  cause:
    "The caller's PBX does not allow REFER (FreeSWITCH with disable-transfer answers 403), or the target's auth is missing or wrong.",
  fix: "Enable call transfer (REFER) at the PBX that the call came from; check the target's auth and the variables it names; or use a transfer step.",
};
const NO_REFER: Advice = {
  meaning: "The caller's side does not allow REFER.",
  cause:
    'Call transfer is turned off at the trunk, PBX or SBC that the call came from, or it does not support REFER; most phone companies do not.',
  fix: 'Enable call transfer (REFER) there (Asterisk: allow_transfer; at Telnyx itself the error is D42), or use a transfer step instead of refer.',
};
const NO_DIALOG: Advice = {
  meaning: "The caller's side no longer knows this call.",
  cause:
    'It has ended the call or already moved the caller, or a device in between lost the dialog.',
  fix: 'Check its log at this time. If it keeps the caller after a failed REFER, let if_failed hang up (docs/refer.md).',
};
const SERVER: Advice = {
  meaning: "The target's server failed.",
  cause:
    'It is down, overloaded, or cannot reach the phone behind it. Asterisk also answers 503 if nobody picked up.',
  fix: "Check the target's server at this time, or name another target in if_failed: { server_error: … }.",
};
const CALL_OVER: Advice = {
  meaning: 'The call had already ended.',
  cause: 'The caller hung up before the command arrived.',
  fix: 'Nothing to fix. If it happens to live calls, TELNYX_API_KEY or TELNYX_API_URL belongs to another account.',
};
const CHANNELS: Advice = {
  meaning: 'A channel limit of the account is reached.',
  cause:
    'There are more concurrent calls than the user, outbound voice profile or connection allows.',
  fix: 'Raise the channel limit in the Telnyx portal, or use refer, which needs no second channel.',
};
const ACCOUNT: Advice = {
  meaning: 'The account is not allowed to do this.',
  cause:
    'The feature or destination is not enabled for this account level or outbound voice profile.',
  fix: 'Check the outbound voice profile (destinations) and the account level in the Telnyx portal.',
};
const PARAMETER: Advice = {
  meaning: 'Telnyx rejected a value in the command.',
  cause:
    'An address, number, voice or header in the route file has a form that Telnyx does not accept.',
  fix: 'Read the detail for the field it names and correct that step or target in the route file.',
};
const RATE: Advice = {
  meaning: 'Telnyx limited the rate of our requests.',
  cause: 'There were too many commands a second for this account.',
  fix: 'They are sent again automatically. If it persists, ask Telnyx for a higher limit.',
};
const TELNYX_DOWN: Advice = {
  meaning: 'It is unknown whether Telnyx executed the command.',
  cause: 'A failure at Telnyx, or between Telnyx and Referee.',
  fix: 'It was sent again automatically as long as that was safe. If it persists, check status.telnyx.com.',
};
const ADDRESS: Advice = {
  meaning: "The server at TELNYX_API_URL is not Telnyx's Call Control API.",
  cause: 'TELNYX_API_URL is misspelt or lacks /v2, or a proxy answers instead.',
  fix: 'Set TELNYX_API_URL to https://api.telnyx.com/v2, or remove it to use that default.',
};

/** Advice for final SIP responses by number; others are covered by their class below. */
const BY_SIP: Readonly<Record<number, Advice>> = {
  401: REFUSED,
  403: REFUSED,
  404: NOT_FOUND,
  405: NO_REFER,
  407: REFUSED,
  408: NO_ANSWER,
  410: NOT_FOUND,
  480: NO_ANSWER,
  484: NOT_FOUND,
  486: BUSY,
  487: {
    meaning: 'The call to the target was cancelled before anybody answered.',
    cause: 'The caller hung up, or the far end stopped ringing.',
    fix: "Nothing to fix if the caller hung up; otherwise raise the ringing time on the caller's side.",
  },
  488: {
    meaning: 'The target does not support the offered media.',
    cause: 'Both sides have no codec or encryption (SRTP) in common.',
    fix: "Align codecs and media encryption between the caller's connection and the target.",
  },
  600: BUSY,
  603: DECLINED,
  604: NOT_FOUND,
  607: DECLINED,
  608: DECLINED,
};

/**
 * Without any progress, these responses mean that the REFER itself was refused. After ringing, some
 * of them can also come from the phone.
 */
const REFER_REFUSED: Readonly<Record<number, Advice>> = {
  405: NO_REFER,
  420: NO_REFER,
  481: NO_DIALOG,
  501: NO_REFER,
  603: NO_REFER,
};

function bySip(status: number | null, verdict: Verdict | null): Advice | null {
  if (status === null) return null;
  const refused = verdict === 'not_allowed' ? REFER_REFUSED[status] : undefined;
  if (refused !== undefined) return refused;
  return BY_SIP[status] ?? (status >= 500 && status <= 599 ? SERVER : null);
}

/** Telnyx's API error codes. */
const BY_CODE: Readonly<Record<string, Advice>> = {
  '10004': PARAMETER,
  '10005': CALL_OVER,
  '10006': PARAMETER,
  '10007': TELNYX_DOWN,
  '10008': TELNYX_DOWN,
  '10009': KEY,
  '10010': {
    meaning: 'Our API key is not permitted to do this.',
    cause: 'The key lacks the permission, or the destination is not enabled for the account.',
    fix: 'Check TELNYX_API_KEY and, for a transfer, the destinations of the outbound voice profile.',
  },
  '10011': RATE,
  '10015': PARAMETER,
  '10016': PARAMETER,
  '10026': PARAMETER,
  '10032': PARAMETER,
  '10033': PARAMETER,
  '10036': TELNYX_DOWN,
  '10037': TELNYX_DOWN,
  '10038': ACCOUNT,
  '10039': ACCOUNT,
  '90015': CALL_OVER,
  '90017': {
    meaning: 'Telnyx could not read our client_state.',
    cause: 'It was not valid base64, which is a bug in Referee.',
    fix: 'Report it with the log line. The call continues.',
  },
  '90018': CALL_OVER,
  '90034': {
    meaning: 'The call had not been answered yet.',
    cause: 'The command reached Telnyx before the answer command had taken effect.',
    fix: 'Referee answers once and sends it again. If it repeats, check that no second application handles the call.',
  },
  '90041': CHANNELS,
  '90042': CHANNELS,
  '90043': CHANNELS,
  '90102': {
    meaning: 'An outgoing leg cannot be answered.',
    cause: 'A rule for outgoing calls has a step that answers the call first.',
    fix: 'Make that rule wait for call.answered (event: call.answered), or limit it to direction: incoming.',
  },
  '90103': RATE,
};

function byCode(code: string | null): Advice | null {
  return code !== null && Object.hasOwn(BY_CODE, code) ? (BY_CODE[code] ?? null) : null;
}

function byStatus(status: number | null): Advice | null {
  if (status === null) return null;
  if (status === 401) return KEY;
  if (status === 403) return { ...KEY, meaning: 'Our API key is not permitted to do this.' };
  if (status === 404 || (status >= 300 && status <= 399)) return ADDRESS;
  if (status === 429) return RATE;
  if (status === 408 || (status >= 500 && status <= 599)) return TELNYX_DOWN;
  return status >= 400 && status <= 499 ? PARAMETER : null;
}

const BY_VERDICT: Readonly<Record<Verdict, Advice | null>> = {
  completed: null,
  abandoned: null,
  skipped: null,
  busy: BUSY,
  no_answer: NO_ANSWER,
  declined: DECLINED,
  not_found: NOT_FOUND,
  not_allowed: REFUSED,
  server_error: SERVER,
  other: {
    meaning: 'The attempt failed, and no well-known SIP code says why.',
    cause: 'The reason of the attempt has the SIP code or hangup cause, if there was one.',
    fix: "Look the call up in the target's own log at this time.",
  },
  rejected: {
    meaning: 'The command was not executed.',
    cause: 'Telnyx refused it, or a policy, a budget or an unset variable stopped it.',
    fix: 'Read the reason of the attempt: it names the value, limit or setting.',
  },
  no_verdict: {
    meaning: 'It is unknown whether the caller arrived.',
    cause:
      "No clear final report arrived: the caller's side accepts REFER but does not report the result with NOTIFY, the target still rang when its time was over, a webhook was lost, or Telnyx gave no clear answer.",
    fix: "Check that the caller's side sends NOTIFY (RFC 3515). If it just hangs up on success, set bye_without_verdict: completed; if the target rings for longer than its timeout, raise that.",
  },
};

/** A transfer has a B-leg instead of NOTIFYs, and the caller's side is not asked. */
const OF_TRANSFER: Partial<Record<Verdict, Advice>> = {
  not_allowed: {
    meaning: 'The called side refuses the call.',
    cause: 'It asks for credentials, or it takes no calls from this number or from Telnyx.',
    fix: "Check in the target's server which numbers it takes calls from, and whether it asks for credentials.",
  },
  no_verdict: {
    meaning: 'It is unknown whether the caller reached the called side.',
    cause: 'No webhook of the B-leg said how it ended: one was lost, or the attempt was given up.',
    fix: 'Look for webhooks that did not arrive: referee doctor shows deliveries that failed.',
  },
};

function byVerdict(verdict: Verdict | null, kind: Attempt['kind']): Advice | null {
  if (verdict === null) return null;
  return (kind === 'transfer' ? OF_TRANSFER[verdict] : undefined) ?? BY_VERDICT[verdict];
}
