/** The log: each line has an event name from the catalogue and fields, never free text. */
import { createRequire } from 'node:module';
import { type DestinationStream, pino, stdTimeFunctions } from 'pino';
import { LOG_EVENTS, type LogEventName } from './events.ts';
import { createCleaner } from './fields.ts';
import { createMasker } from './mask.ts';
import { standardOutput } from './output.ts';

/** Field names in the log; Telnyx's own if it has one. */
export interface LogFields {
  call_control_id?: string;
  call_session_id?: string | null;
  rule?: string | null;
  target?: string | null;
  attempt?: string | null;
  verdict?: string | null;
  /** Numbers and SIP URIs: masked when written unless LOG_NUMBERS is full. */
  from?: string | null;
  to?: string | null;
  sip_address?: string | null;
  err?: unknown;
  [field: string]: unknown;
}

export interface Log {
  emit(event: LogEventName, fields?: LogFields): void;
  /** What an earlier line said is still so. Nothing is written. */
  lasts?(event: LogEventName, fields?: LogFields): void;
  /** Whether lines of this event are written; true if unknown. */
  shows?(event: LogEventName): boolean;
}

export interface LogOptions {
  level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  numbers: 'masked' | 'full';
  /** TELNYX_API_KEY: the key for the tags of masked numbers; it is never shown itself. */
  key: string;
  /** Further values that no line may show. */
  secrets?: readonly string[];
  /** Where lines are written; default: standard output. */
  destination?: DestinationStream;
  /** Formatted for people; default: only if standard output is a terminal. */
  pretty?: boolean;
}

/** Names that pino writes itself; a field of the same name would appear twice. */
const OWN_NAMES: ReadonlySet<string> = new Set([
  'level',
  'time',
  'pid',
  'hostname',
  'event',
  'msg',
]);

export function createLog(options: LogOptions): Log {
  const clean = createCleaner({
    masker: options.numbers === 'masked' ? createMasker(options.key) : null,
    secrets: [options.key, ...(options.secrets ?? [])],
  });
  const logger = pino(
    {
      level: options.level,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // The cleaner has already converted errors; pino's serializer would merge the messages of
      // causes.
      serializers: { err: (err) => err },
    },
    destinationOf(options, (count) => log.emit('log.dropped', { count })),
  );
  const log: Log = {
    shows: (event) => logger.isLevelEnabled(LOG_EVENTS[event].level),
    emit(event, fields = {}) {
      const { level, meaning } = LOG_EVENTS[event];
      if (!logger.isLevelEnabled(level)) return;
      const line: Record<string, unknown> = { event };
      for (const [name, value] of Object.entries(clean(fields, level))) {
        line[OWN_NAMES.has(name) ? `field_${name}` : name] = value;
      }
      logger[level](line, meaning);
    },
  };
  return log;
}

function destinationOf(options: LogOptions, onDropped: (lines: number) => void): DestinationStream {
  const { destination, pretty = destination === undefined && process.stdout.isTTY } = options;
  return (
    (pretty ? prettyDestination(destination) : null) ?? destination ?? standardOutput(onDropped)
  );
}

/**
 * pino-pretty is for development and not installed in production: without it the lines stay JSON.
 */
function prettyDestination(destination: DestinationStream | undefined): DestinationStream | null {
  try {
    const load = createRequire(import.meta.url);
    const pretty: typeof import('pino-pretty') = load('pino-pretty');
    return pretty({
      colorize: destination === undefined && !process.env.NO_COLOR,
      ignore: 'pid,hostname',
      sync: true,
      destination: destination ?? 1,
    });
  } catch {
    return null;
  }
}
