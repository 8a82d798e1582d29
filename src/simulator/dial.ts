/**
 * `POST /calls`: an outgoing call. It can only dial numbers of the account, because there are no
 * others here.
 */
import type { Account } from './account/account.ts';
import { type Answer, data, refused } from './answer.ts';
import type { Leg } from './leg.ts';
import { badRequest } from './refusal.ts';
import { checkBody } from './schema.ts';
import type { Switchboard } from './switchboard.ts';

/** Telnyx's defaults. */
const TIMEOUT_SECS = 30;
const TIME_LIMIT_SECS = 14_400;

export function dial(board: Switchboard, account: Account, body: unknown): Answer {
  const refusal = checkBody('dial', body) ?? policy(account, body as Record<string, string>);
  if (refusal !== null) return refused(refusal);
  const given = body as Record<string, string>;
  const { from = '', to = '', connection_id: connectionId = '', client_state: state } = given;
  const clientState = state ?? null;
  const { caller, sessionId } = board.dial({ from, to, connectionId, clientState }).calling;
  endInTime(board, caller, body as { timeout_secs?: number; time_limit_secs?: number });
  return data({
    call_control_id: caller.callControlId,
    call_leg_id: caller.callLegId,
    call_session_id: sessionId,
    // Documented as always false in this answer.
    is_alive: false,
    record_type: 'call',
  });
}

/** While it rings and in all, as `timeout_secs` and `time_limit_secs` say. */
function endInTime(
  { clock, end }: Switchboard,
  leg: Leg,
  given: { timeout_secs?: number; time_limit_secs?: number },
): void {
  const { timeout_secs: ringing = TIMEOUT_SECS, time_limit_secs: all = TIME_LIMIT_SECS } = given;
  const unanswered = clock.afterReal(ringing * 1000, () => {
    if (leg.answeredAt !== null) return;
    end(leg, 'network', { cause: 'timeout', source: 'unknown', sip: '487' });
  });
  const over = clock.afterReal(all * 1000, () =>
    end(leg, 'network', { cause: 'time_limit', source: 'unknown', sip: '200' }),
  );
  leg.pending.add(unanswered).add(over);
}

function policy(account: Account, { connection_id: id, from, to }: Record<string, string>) {
  const application = account.applications.find((one) => one.id === id);
  if (application === undefined || !application.active) {
    return badRequest('Only an active Call Control Application can call.', '/connection_id');
  }
  if (typeof application.outbound.outbound_voice_profile_id !== 'string') {
    return badRequest('The application has no outbound voice profile.', '/connection_id');
  }
  const owned = (number: string | undefined) =>
    account.numbers.find((one) => one.phone_number === number && one.status === 'active');
  if (owned(from) === undefined) {
    return badRequest('The caller id is not a number of this account.', '/from');
  }
  const called = owned(to);
  const takes = account.applications.some((one) => one.id === called?.connection_id && one.active);
  return takes ? null : badRequest('No application of this account takes the call.', '/to');
}
