/** Writes one recorded call as a line of `referee calls --export`, and reads it back. */
import { type Call, ENDS, PHASES } from '../machine/call.ts';
import { newCall, noFacts } from '../machine/new-call.ts';
import {
  BadRecording,
  type Check,
  checkAt,
  type Fields,
  isFields,
  isFlag,
  isList,
  isNumber,
  isText,
  listOf,
  nullOr,
  oneOf,
  shapeOf,
} from './checked.ts';
import { eventJson, eventOf, factsJson, isEventJson, isFactsJson } from './event-json.ts';
import { leanStep } from './lean.ts';
import { decisionOf, type RecordedCall } from './recorded-call.ts';

const EXPORT_FORMAT = 'referee.call';
/** The version of the line's format; `schema` is the version of the recording in it. */
const EXPORT_VERSION = 1;

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

/** A summary of the decision, which is recorded completely with its event. */
function decisionJson(recorded: RecordedCall): Fields | null {
  const found = decisionOf(recorded);
  if (found === null) return null;
  const { decision, event } = found;
  const { rule, routeSet, plan, why } = decision;
  return { rule, routeSet, why, plan: plan?.map(leanStep) ?? null, event: event.event.id };
}

/** Throws BadRecording. */
export function readExport(text: string): RecordedCall {
  const line = parse(text);
  isFields(line);
  const { format, version } = line;
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
  isLine(line);
  const callId = line.call_control_id as string;
  const stored = line.stored as Fields;
  if (stored.id !== callId) {
    throw new BadRecording('stored.id', `it is of another call than call_control_id: ${stored.id}`);
  }
  stored.facts = { ...noFacts(callId), ...(line.facts as object) };
  return {
    callId,
    schema: line.schema as number,
    recording: line.recording as RecordedCall['recording'],
    events: (line.events as Fields[]).map((each) => eventOf(each, callId)),
    // The checks correspond to the type.
    stored: stored as unknown as Call,
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

const isVersion: Check = (value) => {
  if (value === EXPORT_VERSION) return;
  throw new BadRecording('', `expected ${EXPORT_VERSION}, got ${JSON.stringify(value)}`);
};

/** Only the fields that a replay reads. */
const ATTEMPT: Record<string, Check> = {
  id: isText,
  kind: oneOf(['refer', 'transfer']),
  sipAddress: isText,
  target: nullOr(isText),
  verdict: nullOr(isText),
};
function isAttempt(value: unknown): void {
  isFields(value);
  for (const name in ATTEMPT) checkAt(name, ATTEMPT[name] ?? isAnything, value[name]);
}

const isAnything: Check = () => {};

/** Every field of a call, checked by its value in a new call, or by hand if that says nothing. */
const isStored = shapeOf(...storedChecks());

function storedChecks(): [Record<string, Check>, string[]] {
  const { facts: _, ...fields } = newCall('', 0);
  const byKind = Object.entries(fields).map(([name, usual]): [string, Check] => {
    if (Array.isArray(usual)) return [name, isList];
    if (typeof usual === 'boolean') return [name, isFlag];
    if (typeof usual === 'number') return [name, isNumber];
    if (typeof usual === 'string') return [name, isText];
    return [name, isAnything];
  });
  const checks = {
    ...Object.fromEntries(byKind),
    phase: oneOf(PHASES),
    ends: nullOr(oneOf(ENDS)),
    rule: nullOr(isText),
    endedAt: nullOr(isNumber),
    attempts: listOf(isAttempt),
  };
  return [checks, Object.keys(fields)];
}

const LINE: Record<string, Check> = {
  format: isText,
  version: isVersion,
  call_control_id: isText,
  schema: isNumber,
  recording: oneOf(['complete', 'cut', 'older', 'newer']),
  facts: isFactsJson,
  decision: nullOr(isFields),
  events: listOf(isEventJson),
  stored: isStored,
};
const isLine: Check = shapeOf(LINE, Object.keys(LINE));
