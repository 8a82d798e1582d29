/** Reports the outcomes of commands: log lines, and warnings of the ready endpoint. */
import type { Action, Command, Outcome } from '../../core/machine/command.ts';
import type { Log, LogFields } from '../../log/log.ts';
import { adviceFor } from '../../telnyx/advice.ts';
import type { Clock } from '../clock.ts';

/** A wrong key fails every command, so log one error line per minute and setting. */
const MISCONFIGURED_EVERY_MS = 60_000;

export interface CommandReport {
  outcome(command: Command, outcome: Outcome, tries: number, ms: number): void;
  /** Sentences. One disappears when a command of the failed kind is accepted again. */
  warnings(): string[];
}

interface Misconfigured {
  /** By action, because a key that may hang up may still not be allowed to refer. */
  texts: Map<Action, string>;
  loggedAt: number;
  unlogged: number;
}

export function createCommandReport(log: Log, clock: Clock): CommandReport {
  const settings = new Map<string, Misconfigured>();
  let unreachable: string | null = null;

  return {
    outcome(command, outcome, tries, ms) {
      const fields = fieldsOf(command, tries, ms);
      switch (outcome.kind) {
        case 'accepted':
          for (const { texts } of settings.values()) texts.delete(command.action);
          unreachable = null;
          log.emit('command.accepted', { ...fields, status: outcome.status, alive: outcome.alive });
          return;
        case 'rejected':
          rejected(command.action, outcome, fields);
          return;
        case 'retry':
          unreachable = outcome.status === null ? outcome.detail : null;
          log.emit('command.retry', { ...fields, status: outcome.status, detail: outcome.detail });
          return;
        case 'unknown': {
          const asks = command.action === 'probe' || command.action === 'active_calls';
          const event = asks ? 'probe.unknown' : 'command.unknown';
          log.emit(event, { ...fields, detail: outcome.detail });
          return;
        }
        default:
          outcome satisfies never;
      }
    },

    warnings() {
      const texts = [...settings.values()].flatMap(({ texts }) => [...texts.values()]);
      if (unreachable !== null) {
        texts.push(
          `Telnyx did not answer the last command (${unreachable}): see TELNYX_API_URL and the network`,
        );
      }
      return texts;
    },
  };

  function rejected(
    action: Action,
    outcome: Extract<Outcome, { kind: 'rejected' }>,
    fields: LogFields,
  ): void {
    const { status, code, detail } = outcome;
    if (outcome.callEnded) {
      log.emit('command.call_ended', { ...fields, status, code });
      return;
    }
    const advice = status === 0 ? null : adviceFor({ verdict: 'rejected', code, status });
    log.emit('command.rejected', { ...fields, status, code, detail, ...advice });
    const setting = outcome.misconfigured;
    if (setting !== null) misconfigured(setting, action, detail, fields);
  }

  function misconfigured(setting: string, action: Action, detail: string, fields: LogFields): void {
    const now = clock.monotonic();
    const known = settings.get(setting);
    const { texts, unlogged } = known ?? { texts: new Map<Action, string>(), unlogged: 0 };
    texts.set(action, `the last ${action} failed, check ${setting}: ${detail}`);
    if (known !== undefined && now - known.loggedAt < MISCONFIGURED_EVERY_MS) {
      known.unlogged += 1;
      return;
    }
    settings.set(setting, { texts, loggedAt: now, unlogged: 0 });
    log.emit('command.misconfigured', { ...fields, setting, detail, repeated: unlogged });
  }
}

function fieldsOf(command: Command, tries: number, ms: number): LogFields {
  return {
    call_control_id: command.callId,
    ...(command.legId === command.callId ? {} : { leg: command.legId }),
    attempt: command.attemptId,
    command: command.id,
    action: command.action,
    tries,
    ms: Math.round(ms),
  };
}
