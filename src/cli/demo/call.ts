/** The parts of the API's call document that the demo shows and checks. */
import type { CallDetail } from '../../http/api/calls/calls-json.ts';

export type ApiAttempt = Pick<
  CallDetail['attempts'][number],
  'id' | 'kind' | 'target' | 'sip_address' | 'verdict' | 'started_at'
>;

/** Its `attempt`: the id of the attempt that the event belongs to. */
export type ApiEntry = Pick<
  CallDetail['timeline'][number],
  | 'id'
  | 'source'
  | 'type'
  | 'at'
  | 'phase_before'
  | 'phase'
  | 'notes'
  | 'commands'
  | 'attempt'
  | 'detail'
>;

export type ApiCall = Pick<
  CallDetail,
  'call_control_id' | 'from' | 'to' | 'phase' | 'ends' | 'rule' | 'created_at' | 'ended_at'
> & { attempts: ApiAttempt[]; timeline: ApiEntry[] };
