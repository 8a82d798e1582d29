/**
 * Parses Telnyx's resources of an account into our types. Null if an entry has an unexpected form.
 */
import type {
  Application,
  Balance,
  NumberVoice,
  PhoneNumber,
  VoiceProfile,
} from '../../core/account/account.ts';
import { asArray, asInteger, asName, asObject, asText } from '../fields.ts';
import { parsePublicKey } from '../public-key.ts';

const NAME_CHARS_MAX = 1_000;
const URL_CHARS_MAX = 4_000;

export function readBalance(data: unknown): Balance | null {
  const fields = asObject(data);
  if (fields === null) return null;
  return {
    balance: decimal(fields.balance),
    availableCredit: decimal(fields.available_credit),
    currency: asName(fields.currency, 10),
  };
}

/**
 * The DER prefix before the 32 bytes of an Ed25519 key (RFC 8410). The endpoint is reported to
 * return the key in this form.
 */
const SPKI_PREFIX = '302a300506032b6570032100';

/** Base64 of the raw 32 bytes, from either form. */
export function readPublicKey(data: unknown): string | null {
  const text = asName(asObject(data)?.public, 200);
  if (text === null) return null;
  const bytes = Buffer.from(text, 'base64');
  const isSpki = bytes.length === 44 && bytes.toString('hex').startsWith(SPKI_PREFIX);
  const raw = isSpki ? bytes.subarray(12) : bytes;
  const parsed = parsePublicKey(raw.toString('base64'));
  return 'key' in parsed ? parsed.key.toString('base64') : null;
}

export function readApplication(entry: unknown): Application | null {
  const fields = asObject(entry);
  const id = idOf(fields?.id);
  if (fields === null || id === null) return null;
  const inbound = asObject(fields.inbound);
  const outbound = asObject(fields.outbound);
  return {
    id,
    name: asText(fields.application_name, NAME_CHARS_MAX) ?? '',
    // Only an explicit `false` counts as inactive.
    active: fields.active !== false,
    webhookUrl: filledText(fields.webhook_event_url, URL_CHARS_MAX),
    failoverUrl: filledText(fields.webhook_event_failover_url, URL_CHARS_MAX),
    // The documented default.
    apiVersion: asText(fields.webhook_api_version, 20) ?? '1',
    webhookTimeoutSecs: secondsOf(fields.webhook_timeout_secs),
    firstCommandTimeout: fields.first_command_timeout === true,
    firstCommandTimeoutSecs: secondsOf(fields.first_command_timeout_secs),
    costInWebhooks: fields.call_cost_in_webhooks === true,
    shakenStir: inbound?.shaken_stir_enabled === true,
    profileId: idOf(outbound?.outbound_voice_profile_id),
  };
}

export function readNumber(entry: unknown): PhoneNumber | null {
  const fields = asObject(entry);
  const id = idOf(fields?.id);
  const number = asName(fields?.phone_number, 100);
  if (fields === null || id === null || number === null) return null;
  // Assigned to something that cannot be read is not the same as assigned to nothing.
  if (typeof fields.connection_id === 'number') return null;
  return {
    id,
    number,
    status: asText(fields.status, 100) ?? 'unknown',
    connectionId: idOf(fields.connection_id),
    connectionName: filledText(fields.connection_name, NAME_CHARS_MAX),
  };
}

/** Voice settings and the id of the number they belong to. */
export function readVoice(entry: unknown): [string, NumberVoice] | null {
  const fields = asObject(entry);
  const id = idOf(fields?.id);
  if (fields === null || id === null) return null;
  const forwarding = asObject(fields.call_forwarding);
  // Forwarding is enabled by default, but it only takes effect with a number to forward to.
  const to =
    forwarding?.call_forwarding_enabled === false ? null : filledText(forwarding?.forwards_to, 100);
  const type = forwarding?.forwarding_type;
  return [
    id,
    {
      forwardsTo: to,
      forwarding: to !== null && (type === 'always' || type === 'on-failure') ? type : null,
      translatedNumber: filledText(fields.translated_number, 100),
    },
  ];
}

export function readProfile(data: unknown): VoiceProfile | null {
  const fields = asObject(data);
  const id = idOf(fields?.id);
  if (fields === null || id === null) return null;
  const countries = asArray(fields.whitelisted_destinations).flatMap(
    (one) => asName(one, 10) ?? [],
  );
  return {
    id,
    name: asText(fields.name, NAME_CHARS_MAX) ?? '',
    enabled: fields.enabled !== false,
    destinations: Array.isArray(fields.whitelisted_destinations)
      ? countries.map((country) => country.toUpperCase())
      : null,
    dailySpendLimit:
      fields.daily_spend_limit_enabled === true ? decimal(fields.daily_spend_limit) : null,
    concurrentCallLimit: asInteger(fields.concurrent_call_limit, 0, 1_000_000_000),
  };
}

export function readDialled(data: unknown): { callId: string } | null {
  const callId = asName(asObject(data)?.call_control_id, 500);
  return callId === null ? null : { callId };
}

/** Ids must be text: a JSON number this large would have lost its last digits. */
function idOf(value: unknown): string | null {
  return asName(value, 100);
}

function filledText(value: unknown, charsMax: number): string | null {
  const text = asText(value, charsMax);
  return text === null || text.trim() === '' ? null : text;
}

/** Documented as a number, not as a whole one. */
function secondsOf(value: unknown): number | null {
  const seconds =
    typeof value === 'string' && /^\d{1,9}(\.\d{1,9})?$/.test(value) ? Number(value) : value;
  return typeof seconds === 'number' && seconds >= 0 ? seconds : null;
}

function decimal(value: unknown): string | null {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && /^-?\d{1,20}(\.\d{1,20})?$/.test(text) ? text : null;
}
