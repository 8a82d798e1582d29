/** One recorded call as a line of `referee calls --export`, and back. */
import { type Call, ENDS, PHASES } from '../machine/call.ts';
import { newCall, noFacts } from '../machine/new-call.ts';
import {
  BadRecording,
  type Check,
  type Fields,
  fieldsAt,
  flagAt,
  listAt,
  nullOr,
  numberAt,
  oneOf,
  shapeAt,
  textAt,
} from './checked.ts';
import { eventAt, eventJson, factsAt, factsJson } from './event-json.ts';
import { leanStep } from './lean.ts';
import { decisionOf, type RecordedCall } from './recorded-call.ts';

export const EXPORT_FORMAT = 'referee.call';
/** Of the line's form; `schema` is that of the recording in it. */
export const EXPORT_VERSION = 1;

export function exportJson(recorded: RecordedCall): Fields {
  const { callId, schema, recording, events, stored } = recorded;
  const { facts, ...rest } = stored;
  return {
    format: EXPORT_FORMAT,
    version: EXPORT_VERSION,
    call_control_id: callId,
    schema,
    recording,
    facts: factsJson(facts),
    decision: decisionJson(recorded),
    events: events.map(eventJson),
    stored: rest,
  };
}

/** The decision in short; the whole of it stands at its event. */
function decisionJson(recorded: RecordedCall): Fields | null {
  const found = decisionOf(recorded);
  if (found === null) return null;
  const { decision, event } = found;
  const { rule, routeSet, plan, why } = decision;
  return { rule, routeSet, why, plan: plan?.map(leanStep) ?? null, event: event.event.id };
}

/** Throws BadRecording. */
export function readExport(text: string): RecordedCall {
  const value = parse(text);
  const { format, version } = fieldsAt(value, '');
  if (format !== EXPORT_FORMAT) {
    throw new BadRecording(
      'format',
      `this is no call that \`referee calls --export\` wrote: expected ${JSON.stringify(EXPORT_FORMAT)}, got ${JSON.stringify(format) ?? 'nothing'}`,
    );
  }
  if (typeof version === 'number' && version > EXPORT_VERSION) {
    throw new BadRecording(
      'version',
      `it was written by a newer release: version ${version}, this one reads up to ${EXPORT_VERSION}. Read it with that release`,
    );
  }
  const fields = shapeAt(value, '', LINE, Object.keys(LINE));
  const callId = fields.call_control_id as string;
  const events = (fields.events as unknown[]).map((each, n) =>
    eventAt(each, `events[${n}]`, callId),
  );
  const stored = fields.stored as Fields;
  if (stored.id !== callId) {
    throw new BadRecording('stored.id', `it is of another call than call_control_id: ${stored.id}`);
  }
  return {
    callId,
    schema: fields.schema as number,
    recording: fields.recording as RecordedCall['recording'],
    events,
    stored: {
      ...(stored as unknown as Call),
      facts: { ...noFacts(callId), ...(fields.facts as object) },
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const end = text.trimEnd().endsWith('}');
    throw new BadRecording('', end ? 'it is not JSON' : 'it is not JSON: the line is cut off');
  }
}

const version: Check = (value, path) => {
  if (value === EXPORT_VERSION) return value;
  throw new BadRecording(path, `expected ${EXPORT_VERSION}, got ${JSON.stringify(value)}`);
};

/** Every field of a call, checked by what it is in a new one, and by hand where that says nothing. */
const storedAt: Check = (value, path) => {
  const fields = shapeAt(value, path, STORED, Object.keys(STORED));
  for (const [n, attempt] of listAt(fields.attempts, `${path}.attempts`).entries()) {
    const at = `${path}.attempts[${n}]`;
    const { id, kind, sipAddress, target, verdict } = fieldsAt(attempt, at);
    textAt(id, `${at}.id`);
    oneOf(['refer', 'transfer'])(kind, `${at}.kind`);
    textAt(sipAddress, `${at}.sipAddress`);
    nullOr(textAt)(target, `${at}.target`);
    nullOr(textAt)(verdict, `${at}.verdict`);
  }
  return fields;
};

const STORED: Record<string, Check> = storedChecks();

function storedChecks(): Record<string, Check> {
  const { facts: _, ...fields } = newCall('', 0);
  const byKind = Object.entries(fields).map(([name, usual]): [string, Check] => {
    if (Array.isArray(usual)) return [name, listAt];
    if (typeof usual === 'boolean') return [name, flagAt];
    if (typeof usual === 'number') return [name, numberAt];
    if (typeof usual === 'string') return [name, textAt];
    return [name, (value) => value];
  });
  return {
    ...Object.fromEntries(byKind),
    phase: oneOf(PHASES),
    ends: nullOr(oneOf(ENDS)),
    rule: nullOr(textAt),
    endedAt: nullOr(numberAt),
  };
}

const LINE: Record<string, Check> = {
  format: textAt,
  version,
  call_control_id: textAt,
  schema: numberAt,
  recording: oneOf(['complete', 'cut', 'older', 'newer']),
  facts: factsAt,
  decision: nullOr(fieldsAt),
  events: listAt,
  stored: storedAt,
};
