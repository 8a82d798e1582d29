/**
 * Webhooks of calls that the machine has something to say about, and one that it has not
 * (`call.cost`).
 */
export const EVENT_TYPES = [
  'call.initiated',
  'call.answered',
  'call.refer.started',
  'call.refer.completed',
  'call.refer.failed',
  'call.bridged',
  'call.hangup',
  'call.speak.ended',
  'call.playback.ended',
  'call.gather.ended',
  'call.dtmf.received',
  'call.cost',
] as const;
