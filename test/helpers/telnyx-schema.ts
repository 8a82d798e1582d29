/**
 * The fields of each command's body by Telnyx's OpenAPI document. It is the tests' own table and
 * shares nothing with the code that makes the bodies.
 */
type Check = (value: unknown) => boolean;
interface Shape {
  required: Record<string, Check>;
  optional: Record<string, Check>;
}

const text: Check = (value) => typeof value === 'string' && value.length > 0;
const textUpTo =
  (most: number): Check =>
  (value) =>
    text(value) && String(value).length <= most;
const flag: Check = (value) => typeof value === 'boolean';
const whole = (least: number, most: number): Check => {
  return (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
};
const oneOf =
  (...values: unknown[]): Check =>
  (value) =>
    values.includes(value);
const base64: Check = (value) =>
  text(value) &&
  Buffer.from(String(value), 'base64').toString('base64') === value &&
  String(value).length <= 1024;
const uuid: Check = (value) =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(String(value));
const sipUri: Check = (value) => /^sips?:[^\s@;]+@[^\s@;]+/.test(String(value));
const destination: Check = (value) => /^\+[1-9]\d{6,14}$/.test(String(value)) || sipUri(value);
const headersNamed =
  (name: Check): Check =>
  (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every(
      (header) =>
        Object.keys(header).sort().join() === 'name,value' &&
        name(header.name) &&
        text(header.value),
    );
const digits: Check = (value) => /^[0-9#*]+$/.test(String(value));

const ours = { client_state: base64, command_id: uuid };
const sip = {
  custom_headers: headersNamed(text),
  sip_headers: headersNamed(oneOf('User-to-User')),
  sip_auth_username: text,
  sip_auth_password: text,
};

const SHAPES: Record<string, Shape> = {
  answer: { required: ours, optional: { send_silence_when_idle: flag } },
  refer: { required: { ...ours, sip_address: sipUri }, optional: sip },
  transfer: {
    required: { ...ours, to: destination },
    optional: {
      ...sip,
      from: text,
      timeout_secs: whole(5, 600),
      target_leg_client_state: base64,
    },
  },
  speak: {
    required: { ...ours, payload: textUpTo(3000), voice: text },
    optional: { language: text, loop: oneOf('infinity'), stop: oneOf('current', 'all') },
  },
  playback_start: {
    required: { ...ours, audio_url: text },
    optional: { loop: oneOf('infinity'), stop: oneOf('current', 'all') },
  },
  playback_stop: { required: ours, optional: { stop: oneOf('current', 'all') } },
  gather_using_speak: {
    required: { ...ours, payload: textUpTo(3000), voice: text },
    optional: {
      language: text,
      maximum_tries: whole(1, 128),
      timeout_millis: whole(1, 600_000),
      minimum_digits: whole(1, 128),
      maximum_digits: whole(1, 128),
      valid_digits: digits,
      terminating_digit: digits,
    },
  },
  gather_using_audio: {
    required: { ...ours, audio_url: text },
    optional: {
      maximum_tries: whole(1, 128),
      timeout_millis: whole(1, 600_000),
      minimum_digits: whole(1, 128),
      maximum_digits: whole(1, 128),
      valid_digits: digits,
      terminating_digit: digits,
    },
  },
  reject: { required: { ...ours, cause: oneOf('CALL_REJECTED', 'USER_BUSY') }, optional: {} },
  hangup: { required: ours, optional: {} },
  client_state_update: { required: { client_state: base64 }, optional: {} },
};

/** Empty if the body matches Telnyx's documentation. */
export function schemaProblems(action: string, body: unknown): string[] {
  const shape = SHAPES[action];
  if (shape === undefined) return [`no such action: ${action}`];
  if (typeof body !== 'object' || body === null) return [`${action}: the body is no object`];
  const all = { ...shape.required, ...shape.optional };
  const given = Object.entries(body);
  return [
    ...Object.keys(shape.required)
      .filter((field) => !(field in body))
      .map((field) => `${action}: ${field} is missing`),
    ...given
      .filter(([field]) => !(field in all))
      .map(([field]) => `${action}: Telnyx knows no field ${field}`),
    ...given
      .filter(([field, value]) => all[field]?.(value) === false)
      .map(([field, value]) => `${action}: ${field} cannot be ${JSON.stringify(value)}`),
  ];
}
