/**
 * Checks whether the account can be read at all, has money and signs webhooks as we expect: key,
 * clock, balance, public key.
 */
import type { Account, Reading } from './account.ts';
import { type Finding, found, type Seen, unread } from './finding.ts';

const CLOCK_PROBLEM_MS = 300_000;
const CLOCK_WARNING_MS = 30_000;
const BALANCE_WARNING = 10;

/**
 * A 401 anywhere means a wrong key. A 403 does only if nothing else succeeded, because a valid key
 * may lack one permission.
 */
export function apiKey({ account }: Seen): Finding[] {
  const readings = readingsOf(account);
  const denied = readings.filter((reading) => reading.end === 'denied');
  const refused =
    denied.find(({ status }) => status === 401) ??
    (denied.length > 0 && !readings.some(({ end }) => end === 'value') ? denied[0] : undefined);
  if (refused !== undefined) {
    return [
      found(
        'api_key',
        'problem',
        `Telnyx refuses TELNYX_API_KEY: ${refused.why}`,
        'Copy an API key (v2) of this account from the Telnyx portal under API keys into TELNYX_API_KEY.',
      ),
    ];
  }
  if (readings.some(({ end }) => end === 'value')) {
    const rest = denied.length === 0 ? '' : ', which may not read everything';
    return [found('api_key', 'ok', `Telnyx accepts the API key${rest}.`)];
  }
  const silent = readings.find((reading) => reading.end !== 'value');
  return silent === undefined ? [] : [unread('api_key', 'the account', silent)];
}

function readingsOf({ balance, publicKey, applications, numbers, voices, deliveries }: Account) {
  const all: Reading<unknown>[] = [applications, balance, numbers, voices, deliveries, publicKey];
  return all;
}

export function clock({ account: { clockOffMs } }: Seen): Finding[] {
  if (clockOffMs.end !== 'value') return [unread('clock', "Telnyx's clock", clockOffMs)];
  const off = Math.abs(clockOffMs.value);
  const secs = Math.round(off / 1000);
  const message =
    off <= CLOCK_WARNING_MS
      ? "Our clock agrees with Telnyx's."
      : `Our clock is ${secs} s ${clockOffMs.value > 0 ? 'behind' : 'ahead of'} Telnyx's.`;
  const fix =
    'Synchronise the clock (NTP): webhooks are signed with a time, and old ones are refused.';
  if (off > CLOCK_PROBLEM_MS) return [found('clock', 'problem', message, fix)];
  return [
    off > CLOCK_WARNING_MS
      ? found('clock', 'warning', message, fix)
      : found('clock', 'ok', message),
  ];
}

export function balance({ account }: Seen): Finding[] {
  if (account.balance.end !== 'value') return [unread('balance', 'the balance', account.balance)];
  const { availableCredit, balance: own, currency } = account.balance.value;
  const text = availableCredit ?? own;
  if (text === null) {
    const message = 'Telnyx names neither a balance nor an available credit.';
    return [found('balance', 'unknown', message, 'Look in the Telnyx portal under Billing.')];
  }
  const available = Number(text);
  const message = `${text} ${currency ?? 'units'} are available.`;
  const fix =
    'Add funds in the Telnyx portal under Billing; without them no call is answered or moved.';
  if (available <= 0) return [found('balance', 'problem', message, fix)];
  return [
    available < BALANCE_WARNING
      ? found('balance', 'warning', message, fix)
      : found('balance', 'ok', message),
  ];
}

export function publicKey({ account, settings }: Seen): Finding[] {
  const reading = account.publicKey;
  if (reading.end === 'missing') {
    return [
      found(
        'public_key',
        'unknown',
        'Telnyx does not serve the public key to this account (404).',
        'Compare TELNYX_PUBLIC_KEY with the Telnyx portal under API keys, Public key.',
      ),
    ];
  }
  if (reading.end !== 'value') return [unread('public_key', 'the public key', reading)];
  if (settings.publicKeys.includes(reading.value)) {
    return [
      found('public_key', 'ok', 'TELNYX_PUBLIC_KEY holds the key that this account signs with.'),
    ];
  }
  return [
    found(
      'public_key',
      'problem',
      `This account signs with ${reading.value}, which TELNYX_PUBLIC_KEY does not hold: every webhook would be refused.`,
      `Set TELNYX_PUBLIC_KEY=${reading.value} and restart.`,
    ),
  ];
}
