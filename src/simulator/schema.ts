/**
 * The bodies of the commands, as in Telnyx's OpenAPI description and official client. Stricter in
 * one point: an unknown field is refused, because the real API would silently ignore it and nobody
 * would notice a misspelling. It is long because it is one table.
 */
import { badRequest, fieldRefusal, type Refusal } from './refusal.ts';

export const ACTIONS = [
  'answer',
  'refer',
  'transfer',
  'speak',
  'playback_start',
  'playback_stop',
  'gather_using_speak',
  'gather_using_audio',
  'reject',
  'hangup',
  'client_state_update',
] as const;
export type ActionName = (typeof ACTIONS)[number];

export function isAction(name: string): name is ActionName {
  return (ACTIONS as readonly string[]).includes(name);
}

export type CommandBody = Record<string, unknown>;

/** Null where the body is one Telnyx would take. */
export function checkBody(action: ActionName, body: unknown): Refusal | null {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return badRequest('The request body must be a JSON object.', undefined, 400);
  }
  const schema = SCHEMAS[action];
  const given = body as CommandBody;
  for (const field of Object.keys(given)) {
    if (!Object.hasOwn(schema.fields, field)) {
      return badRequest(
        `Unknown field "${field}" for ${action}. Known: ${Object.keys(schema.fields).sort().join(', ')}.`,
        `/${field}`,
      );
    }
  }
  for (const field of schema.required) {
    if (given[field] === undefined) return fieldRefusal('10004', field, `"${field}" is required.`);
  }
  for (const [field, value] of Object.entries(given)) {
    const refusal = schema.fields[field]?.(value, field) ?? null;
    if (refusal !== null) return refusal;
  }
  return schema.together?.(given) ?? null;
}

type Check = (value: unknown, field: string) => Refusal | null;

interface Schema {
  required: string[];
  fields: Record<string, Check>;
  together?: (body: CommandBody) => Refusal | null;
}

/** 3,000 characters: the description of `payload` in speak and gather_using_speak. */
const PAYLOAD_CHARS_MAX = 3000;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const SIP_URI = /^sips?:(?:[^@\s<>"]+@)?[^@\s<>"/]+$/i;
const E164 = /^\+[1-9]\d{1,14}$/;
const LANGUAGES =
  'arb cmn-CN cy-GB da-DK de-DE en-AU en-GB en-GB-WLS en-IN en-US es-ES es-MX es-US fr-CA fr-FR hi-IN is-IS it-IT ja-JP ko-KR nb-NO nl-NL pl-PL pt-BR pt-PT ro-RO ru-RU sv-SE tr-TR';

const wrongType = (field: string, expected: string, value: unknown): Refusal =>
  fieldRefusal(
    '10026',
    field,
    `"${field}" must be ${expected}, got ${value === null ? 'null' : typeof value}.`,
  );

const text: Check = (value, field) =>
  typeof value === 'string' ? null : wrongType(field, 'a string', value);

const filledText =
  (charsMax: number): Check =>
  (value, field) => {
    if (typeof value !== 'string') return wrongType(field, 'a string', value);
    if (value.length === 0 || value.length > charsMax) {
      return fieldRefusal('10033', field, `"${field}" must have 1 to ${charsMax} characters.`);
    }
    return null;
  };

const flag: Check = (value, field) =>
  typeof value === 'boolean' ? null : wrongType(field, 'a boolean', value);

const object: Check = (value, field) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? null
    : wrongType(field, 'an object', value);

const oneOf =
  (...allowed: string[]): Check =>
  (value, field) => {
    if (typeof value !== 'string') return wrongType(field, 'a string', value);
    if (allowed.includes(value)) return null;
    return fieldRefusal('10032', field, `"${field}" must be one of ${allowed.join(', ')}.`);
  };

const integer =
  (least: number, most: number): Check =>
  (value, field) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      return wrongType(field, 'an integer', value);
    }
    if (value >= least && value <= most) return null;
    return fieldRefusal('10033', field, `"${field}" must lie between ${least} and ${most}.`);
  };

const base64: Check = (value, field) => {
  if (typeof value === 'string' && BASE64.test(value)) return null;
  return fieldRefusal('90017', field, `"${field}" must be a valid Base-64 encoded string.`);
};

const sipUri: Check = (value, field) => {
  if (typeof value !== 'string') return wrongType(field, 'a string', value);
  if (SIP_URI.test(value)) return null;
  return fieldRefusal('10015', field, `"${field}" must be a SIP URI such as sip:user@host.`);
};

const destination: Check = (value, field) => {
  if (typeof value !== 'string') return wrongType(field, 'a string', value);
  if (E164.test(value) || SIP_URI.test(value)) return null;
  return fieldRefusal('10016', field, `"${field}" must be a number in +E164 format or a SIP URI.`);
};

const loop: Check = (value, field) => {
  if (value === 'infinity' || (Number.isInteger(value) && Number(value) > 0)) return null;
  return fieldRefusal('10032', field, `"${field}" must be "infinity" or a positive integer.`);
};

const headers =
  (...names: string[]): Check =>
  (value, field) => {
    if (!Array.isArray(value)) return wrongType(field, 'an array', value);
    for (const [index, header] of value.entries()) {
      const at = `${field}/${index}`;
      const refusal = checkHeader(header, at, names);
      if (refusal !== null) return refusal;
    }
    return null;
  };

function checkHeader(header: unknown, at: string, names: string[]): Refusal | null {
  if (typeof header !== 'object' || header === null) return wrongType(at, 'an object', header);
  for (const key of Object.keys(header)) {
    if (key !== 'name' && key !== 'value') return badRequest(`Unknown field "${key}".`, `/${at}`);
  }
  const { name, value } = header as { name?: unknown; value?: unknown };
  if (name === undefined) return fieldRefusal('10004', `${at}/name`, '"name" is required.');
  if (value === undefined) return fieldRefusal('10004', `${at}/value`, '"value" is required.');
  if (typeof name !== 'string') return wrongType(`${at}/name`, 'a string', name);
  if (typeof value !== 'string') return wrongType(`${at}/value`, 'a string', value);
  if (names.length > 0 && !names.includes(name)) {
    return fieldRefusal('10032', `${at}/name`, `"name" must be one of ${names.join(', ')}.`);
  }
  // A line break would let a value write headers of its own into the SIP message (RFC 3261, 7.3.1).
  const hasBreak = /[\r\n\0]/.test(value) || !/^[A-Za-z0-9\-.!%*_+`'~]+$/.test(name);
  return hasBreak ? badRequest('A header must be a token and one line of text.', `/${at}`) : null;
}

const COMMON: Record<string, Check> = { client_state: base64, command_id: filledText(1024) };
const HEADERS: Record<string, Check> = {
  custom_headers: headers(),
  sip_headers: headers('User-to-User'),
};
const SIP_AUTH: Record<string, Check> = { sip_auth_username: text, sip_auth_password: text };
const WEBHOOK: Record<string, Check> = {
  webhook_url: text,
  webhook_url_method: oneOf('POST', 'GET'),
  webhook_urls: object,
  webhook_urls_method: oneOf('POST', 'GET'),
  webhook_retries_policies: object,
};
const RECORD: Record<string, Check> = {
  record: oneOf('record-from-answer'),
  record_channels: oneOf('single', 'dual'),
  record_custom_file_name: text,
  record_format: oneOf('wav', 'mp3'),
  record_max_length: integer(0, 14400),
  record_timeout_secs: integer(0, 14400),
  record_track: oneOf('both', 'inbound', 'outbound'),
  record_trim: oneOf('trim-silence'),
};
const STOP: Check = oneOf('current', 'all');
const KEYS = {
  minimum_digits: integer(1, 128),
  maximum_digits: integer(1, 128),
  maximum_tries: integer(1, 100),
  timeout_millis: integer(1, 600_000),
  inter_digit_timeout_millis: integer(1, 600_000),
  terminating_digit: text,
  valid_digits: text,
};
const SPEECH: Record<string, Check> = {
  payload: filledText(PAYLOAD_CHARS_MAX),
  voice: filledText(256),
  payload_type: oneOf('text', 'ssml'),
  service_level: oneOf('basic', 'premium'),
  language: oneOf(...LANGUAGES.split(' ')),
  voice_settings: object,
};

const SCHEMAS: Record<ActionName, Schema> = {
  answer: {
    required: [],
    fields: {
      ...COMMON,
      ...HEADERS,
      ...WEBHOOK,
      ...RECORD,
      assistant: object,
      billing_group_id: text,
      deepfake_detection: object,
      preferred_codecs: text,
      send_silence_when_idle: flag,
      stream_url: text,
      stream_track: oneOf('inbound_track', 'outbound_track', 'both_tracks'),
      transcription: flag,
      transcription_config: object,
    },
  },
  refer: {
    required: ['sip_address'],
    fields: { ...COMMON, ...HEADERS, ...SIP_AUTH, sip_address: sipUri },
  },
  transfer: {
    required: ['to'],
    fields: {
      ...COMMON,
      ...HEADERS,
      ...SIP_AUTH,
      ...WEBHOOK,
      ...RECORD,
      to: destination,
      from: filledText(256),
      from_display_name: filledText(128),
      timeout_secs: integer(5, 600),
      time_limit_secs: integer(30, 14400),
      early_media: flag,
      audio_url: text,
      media_name: text,
      sip_transport_protocol: oneOf('UDP', 'TCP', 'TLS'),
      sip_region: text,
      media_encryption: oneOf('disabled', 'SRTP', 'DTLS'),
      preferred_codecs: text,
      privacy: oneOf('id', 'none'),
      send_digits_on_answer: text,
      mute_dtmf: oneOf('none', 'both', 'self', 'opposite'),
      park_after_unbridge: oneOf('self'),
      answering_machine_detection: text,
      answering_machine_detection_config: object,
      target_leg_client_state: base64,
    },
  },
  speak: {
    required: ['payload', 'voice'],
    fields: {
      ...COMMON,
      ...SPEECH,
      loop,
      stop: STOP,
      target_legs: oneOf('self', 'opposite', 'both'),
    },
  },
  playback_start: {
    required: [],
    fields: {
      ...COMMON,
      audio_url: filledText(2048),
      media_name: text,
      playback_content: base64,
      loop,
      overlay: flag,
      stop: STOP,
      target_legs: oneOf('self', 'opposite', 'both'),
      cache_audio: flag,
      audio_type: oneOf('mp3', 'wav'),
    },
    together: oneSource,
  },
  playback_stop: { required: [], fields: { ...COMMON, overlay: flag, stop: STOP } },
  gather_using_speak: {
    required: ['payload', 'voice'],
    fields: {
      ...COMMON,
      ...SPEECH,
      invalid_payload: filledText(PAYLOAD_CHARS_MAX),
      ...KEYS,
    },
  },
  gather_using_audio: {
    required: [],
    fields: {
      ...COMMON,
      audio_url: filledText(2048),
      media_name: text,
      invalid_audio_url: filledText(2048),
      invalid_media_name: text,
      ...KEYS,
    },
    together: oneSource,
  },
  reject: {
    required: ['cause'],
    fields: { ...COMMON, cause: oneOf('CALL_REJECTED', 'USER_BUSY') },
  },
  hangup: { required: [], fields: { ...COMMON, custom_headers: headers() } },
  // The one command without a command_id.
  client_state_update: { required: ['client_state'], fields: { client_state: base64 } },
};

function oneSource(body: CommandBody): Refusal | null {
  const sources = ['audio_url', 'media_name', 'playback_content'].filter(
    (field) => body[field] !== undefined,
  );
  if (sources.length === 1) return null;
  return badRequest(
    `Exactly one of audio_url, media_name and playback_content is needed, got ${sources.join(' and ') || 'none'}.`,
  );
}
