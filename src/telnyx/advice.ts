/**
 * What a failure means, why it usually happens and what to do about it: one table, so that the log
 * line and the operator's page say the same words.
 */
import type { Verdict } from '../core/machine/call.ts';

export interface Advice {
  meaning: string;
  cause: string;
  fix: string;
}

export interface Failure {
  verdict?: Verdict | null;
  /** Status of the NOTIFY's sipfrag: what the far end of the REFER said. */
  sipNotifyResponse?: number | null;
  /** Telnyx error code. */
  code?: string | null;
  /** HTTP status of the API's answer. */
  status?: number | null;
}

/** The most telling fact first: what the far end said, Telnyx's code, the HTTP status, our verdict. */
export function adviceFor(failure: Failure): Advice | null {
  return (
    bySip(failure.sipNotifyResponse ?? null, failure.verdict ?? null) ??
    byCode(failure.code ?? null) ??
    byStatus(failure.status ?? null) ??
    (failure.verdict ? BY_VERDICT[failure.verdict] : null)
  );
}

const KEY: Advice = {
  meaning: 'Telnyx does not accept our API key.',
  cause: 'TELNYX_API_KEY is wrong, was revoked, or belongs to another account.',
  fix: 'Put a valid key of this account (portal: API Keys) into TELNYX_API_KEY and restart.',
};
const BUSY: Advice = {
  meaning: 'The target is busy.',
  cause: 'Somebody is on the line there, or its channels are all in use.',
  fix: 'Nothing to mend; to go on elsewhere, name another target in if_failed: { busy: … }.',
};
const NO_ANSWER: Advice = {
  meaning: 'Nobody answered in time.',
  cause: 'The target rang, or is not registered at its own server, until time ran out.',
  fix: "Check that the target's phone is registered; raise the target's timeout, or add a next step.",
};
const DECLINED: Advice = {
  meaning: 'The far end declined the call.',
  cause:
    'Somebody pressed reject, do-not-disturb is on, or a policy at the target refuses this caller.',
  fix: 'Check do-not-disturb and call policy at the target; name a next target in if_failed: { declined: … }.',
};
const NOT_FOUND: Advice = {
  meaning: 'The target does not know this address.',
  cause: 'The user part of the SIP address is misspelt, was removed, or the number is incomplete.',
  fix: "Correct the target's sip address in the route file; npx referee route shows what is dialled.",
};
const REFUSED: Advice = {
  meaning: 'The far end refuses us, or wants other credentials.',
  cause:
    "The caller's PBX does not let a REFER in (FreeSWITCH's disable-transfer says 403), or the target's auth is missing or wrong.",
  fix: "Enable call transfer (REFER) at the PBX that the call came from; check the target's auth and the variables it names; or use a transfer step.",
};
const NO_REFER: Advice = {
  meaning: 'The far end does not allow REFER.',
  cause:
    'Call transfer is switched off at the trunk, PBX or SBC that the call came from, or it knows no REFER; most phone companies do not.',
  fix: 'Enable call transfer (REFER) there (Asterisk: allow_transfer; at Telnyx itself the error is D42), or use a transfer step instead of refer.',
};
const NO_DIALOG: Advice = {
  meaning: 'The far end does not know this call any more.',
  cause: 'Its side has ended or has already moved the caller, or something in between lost track.',
  fix: 'Look at its log at this time; where it keeps the caller after a failed REFER, let if_failed hang up (docs/refer.md).',
};
const SERVER: Advice = {
  meaning: "The target's server failed.",
  cause:
    'It is down, overloaded, or cannot reach the phone behind it; Asterisk says 503 also when nobody answered.',
  fix: "Look at the target's own server at this time; name a next target in if_failed: { server_error: … }.",
};
const CALL_OVER: Advice = {
  meaning: 'The call had already ended.',
  cause: 'The caller hung up before the command arrived.',
  fix: 'Nothing to mend. If it happens to living calls, TELNYX_API_KEY or TELNYX_API_URL belongs to another account.',
};
const CHANNELS: Advice = {
  meaning: 'A channel limit of the account is reached.',
  cause: 'More calls at once than the user, outbound profile or connection may hold.',
  fix: 'Raise the channel limit in the Telnyx portal, or use refer, which takes no second channel.',
};
const ACCOUNT: Advice = {
  meaning: 'The account may not do this.',
  cause:
    'The feature or destination is not enabled at this account level or outbound voice profile.',
  fix: 'Check the outbound voice profile (destinations) and the account level in the Telnyx portal.',
};
const PARAMETER: Advice = {
  meaning: 'Telnyx refuses a value of the command.',
  cause:
    'An address, number, voice or header in the route file is not of the form that Telnyx takes.',
  fix: 'Read the detail for the field it names and correct that step or target in the route file.',
};
const RATE: Advice = {
  meaning: 'Telnyx limits how often we may ask.',
  cause: 'Too many commands a second for this account.',
  fix: 'They are sent again by themselves; if it persists, ask Telnyx for a higher limit.',
};
const TELNYX_DOWN: Advice = {
  meaning: 'Telnyx could not say whether the command was carried out.',
  cause: 'A fault at Telnyx, or between Telnyx and us.',
  fix: 'It was sent again by itself while that was safe; look at status.telnyx.com if it persists.',
};
const ADDRESS: Advice = {
  meaning: "What answers at TELNYX_API_URL is not Telnyx's Call Control API.",
  cause: 'TELNYX_API_URL is misspelt, lacks /v2, or a proxy answers in its place.',
  fix: 'Set TELNYX_API_URL to https://api.telnyx.com/v2, or remove it: that is its default.',
};

/** Final SIP answers by number; the classes below take the rest. */
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
    meaning: 'The call to the target was given up before anybody answered.',
    cause: 'The caller hung up, or the ringing time of the far end ran out.',
    fix: "Nothing to mend if the caller left; otherwise raise the ringing time at the caller's side.",
  },
  488: {
    meaning: 'The target cannot take the offered media.',
    cause: 'No codec or encryption (SRTP) that both sides have.',
    fix: "Align codecs and media encryption between the caller's connection and the target.",
  },
  600: BUSY,
  603: DECLINED,
  604: NOT_FOUND,
  607: DECLINED,
  608: DECLINED,
};

/** As the REFER's own answer these say that it is not allowed; after ringing some mean the phone. */
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
    meaning: 'Telnyx does not permit this with our API key.',
    cause: 'The key lacks the permission, or the destination is not enabled for the account.',
    fix: 'Check TELNYX_API_KEY; for a transfer, the destinations of the outbound voice profile.',
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
    cause: 'It was not valid base64: a fault of this program.',
    fix: 'Report it with the log line; the call itself goes on.',
  },
  '90018': CALL_OVER,
  '90034': {
    meaning: 'The call had not been answered yet.',
    cause: 'The command reached Telnyx before its own answer had taken effect.',
    fix: 'We answer once and send it again; if it repeats, check that no second application handles the call.',
  },
  '90041': CHANNELS,
  '90042': CHANNELS,
  '90043': CHANNELS,
  '90102': {
    meaning: 'An outgoing leg cannot be answered.',
    cause: 'A rule for outgoing calls holds a step that answers first.',
    fix: 'Let that rule wait for call.answered (event: call.answered), or limit it to direction: incoming.',
  },
  '90103': RATE,
};

function byCode(code: string | null): Advice | null {
  return code !== null && Object.hasOwn(BY_CODE, code) ? (BY_CODE[code] ?? null) : null;
}

function byStatus(status: number | null): Advice | null {
  if (status === null) return null;
  if (status === 401) return KEY;
  if (status === 403) return { ...KEY, meaning: 'Telnyx does not permit this with our API key.' };
  if (status === 404 || (status >= 300 && status <= 399)) return ADDRESS;
  if (status === 429) return RATE;
  if (status === 408 || (status >= 500 && status <= 599)) return TELNYX_DOWN;
  return status >= 400 && status <= 499 ? PARAMETER : null;
}

const BY_VERDICT: Readonly<Record<Verdict, Advice | null>> = {
  completed: null,
  abandoned: null,
  busy: BUSY,
  no_answer: NO_ANSWER,
  declined: DECLINED,
  not_found: NOT_FOUND,
  not_allowed: REFUSED,
  server_error: SERVER,
  other: {
    meaning: 'The attempt failed for a reason that SIP has no usual name for.',
    cause: "See the far end's code in this line.",
    fix: "Look the code up in the target's own log at this time.",
  },
  rejected: {
    meaning: 'The command was never carried out.',
    cause: 'Telnyx refused it, or policy, a budget or an unset variable stopped it here.',
    fix: 'Read the detail: it names the value, limit or setting.',
  },
  no_verdict: {
    meaning: 'Nobody told us whether the caller arrived.',
    cause:
      "No NOTIFY came back: the caller's side accepts REFER but does not report, or a webhook was lost.",
    fix: 'Check that the far end sends NOTIFY (RFC 3515); where it just hangs up on success, set bye_without_verdict: completed.',
  },
};
