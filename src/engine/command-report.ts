/** What the outcomes of commands say to people: log lines, and the warnings of the ready endpoint. */
import type { Command, Outcome } from '../core/command.ts';
import type { Log, LogFields } from '../log.ts';
import { adviceFor } from '../telnyx/advice.ts';
import type { Clock } from './clock.ts';

/** A wrong key fails every command: one error line a minute and setting tells it. */
const MISCONFIGURED_EVERY_MS = 60_000;

export interface CommandReport {
  outcome(command: Command, outcome: Outcome, tries: number, ms: number): void;
  /** Sentences; empty once a command was accepted again. */
  warnings(): string[];
}

export function createCommandReport(log: Log, clock: Clock): CommandReport {
  const settings = new Map<string, { text: string; loggedAt: number; unlogged: number }>();
  let unreachable: string | null = null;

  return {
    outcome(command, outcome, tries, ms) {
      const fields = fieldsOf(command, tries, ms);
      switch (outcome.kind) {
        case 'accepted':
          settings.clear();
          unreachable = null;
          log.emit('command.accepted', { ...fields, status: outcome.status, alive: outcome.alive });
          return;
        case 'rejected':
          rejected(outcome, fields);
          return;
        case 'retry':
          unreachable = outcome.status === null ? outcome.detail : null;
          log.emit('command.retry', { ...fields, status: outcome.status, detail: outcome.detail });
          return;
        case 'unknown': {
          const event = command.action === 'probe' ? 'probe.unknown' : 'command.unknown';
          log.emit(event, { ...fields, detail: outcome.detail });
          return;
        }
        default:
          outcome satisfies never;
      }
    },

    warnings() {
      const texts = [...settings.values()].map(({ text }) => text);
      if (unreachable !== null) {
        texts.push(
          `Telnyx did not answer the last command (${unreachable}): see TELNYX_API_URL and the network`,
        );
      }
      return texts;
    },
  };

  function rejected(outcome: Extract<Outcome, { kind: 'rejected' }>, fields: LogFields): void {
    const { status, code, detail } = outcome;
    if (outcome.callEnded) {
      log.emit('command.call_ended', { ...fields, status, code });
      return;
    }
    const advice = status === 0 ? null : adviceFor({ verdict: 'rejected', code, status });
    log.emit('command.rejected', { ...fields, status, code, detail, ...advice });
    if (outcome.misconfigured !== null) misconfigured(outcome.misconfigured, detail, fields);
  }

  function misconfigured(setting: string, detail: string, fields: LogFields): void {
    const text = `the last command failed, check ${setting}: ${detail}`;
    const now = clock.monotonic();
    const known = settings.get(setting);
    if (known !== undefined && now - known.loggedAt < MISCONFIGURED_EVERY_MS) {
      settings.set(setting, { ...known, text, unlogged: known.unlogged + 1 });
      return;
    }
    const unlogged = known?.unlogged ?? 0;
    settings.set(setting, { text, loggedAt: now, unlogged: 0 });
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
