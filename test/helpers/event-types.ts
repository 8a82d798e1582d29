/** Types of call webhooks that the machine acts on, and one that it only records (`call.cost`). */
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
