/**
 * The bodies of the commands, as in Telnyx's OpenAPI description and official client. Stricter in
 * one point: an unknown field is refused, because the real API would silently ignore it and nobody
 * would notice a misspelling.
 */
import {
  base64,
  type Check,
  destination,
  filledText,
  flag,
  headers,
  integer,
  LANGUAGES,
  loop,
  object,
  oneOf,
  PAYLOAD_CHARS_MAX,
  sipUri,
  text,
} from './field-checks.ts';
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

/** A command, or `POST /calls`. */
type RequestName = ActionName | 'dial';

/** Null if Telnyx would accept the body. */
export function checkBody(action: RequestName, body: unknown): Refusal | null {
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

interface Schema {
  required: string[];
  fields: Record<string, Check>;
  together?: (body: CommandBody) => Refusal | null;
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

const SCHEMAS: Record<RequestName, Schema> = {
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
  dial: {
    required: ['connection_id', 'from', 'to'],
    fields: {
      ...COMMON,
      connection_id: filledText(64),
      from: filledText(256),
      to: filledText(256),
      // The least that a transfer may have would be too long for tests, which wait for real time.
      timeout_secs: integer(1, 600),
      time_limit_secs: integer(1, 14400),
    },
  },
  // The only command without a command_id.
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
