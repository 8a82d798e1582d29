/**
 * The catalogue of everything we log. Logs are an interface: names are fixed, docs/logs.md lists them,
 * and a test keeps both alike. info: a call moved; warn: we recovered; error: a human is needed.
 */
export interface LogEventSpec {
  level: 'debug' | 'info' | 'warn' | 'error';
  /** One sentence for docs/logs.md. */
  meaning: string;
  /** What an operator does about it; empty where nothing is to be done. */
  action: string;
}

export const LOG_EVENTS = {
  'server.started': {
    level: 'info',
    meaning: 'The server listens.',
    action: '',
  },
  'server.stopping': {
    level: 'info',
    meaning: 'A stop was asked for; webhooks are still taken during the drain delay.',
    action: '',
  },
  'server.stopped': {
    level: 'info',
    meaning: 'Everything taken was committed and the store is closed.',
    action: '',
  },
} as const satisfies Record<string, LogEventSpec>;

export type LogEventName = keyof typeof LOG_EVENTS;
