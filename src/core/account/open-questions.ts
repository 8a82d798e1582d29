/**
 * Questions that Telnyx's documentation does not answer for certain, and what one rehearsed call
 * shows about each. A call shows what happened once; no answer here is a promise.
 */
import { counted } from '../counted.ts';
import {
  duplicatesOf,
  type Rehearsal,
  type RehearsedAttempt,
  type RehearsedWebhook,
} from './rehearsal.ts';

/** Null if this call does not show it. */
type Answer = (rehearsal: Rehearsal) => string | null;

export const OPEN_QUESTIONS: Record<string, { question: string; answer: Answer }> = {
  retry_timestamp: {
    question: 'Is a webhook that is delivered again signed with a new timestamp?',
    answer: retryTimestamp,
  },
  retry_spacing: {
    question: 'How often is a webhook delivered again, after what pauses, and does 401 end it?',
    answer: retrySpacing,
  },
  other_2xx: {
    question: 'Does an answer of 202 or 204 count as a failed delivery?',
    answer: other2xx,
  },
  duplicate_command: {
    question: 'What is the answer to a command_id that was sent before?',
    answer: duplicateCommand,
  },
  client_state_size: {
    question: 'How long may client_state be?',
    answer: clientStateSize,
  },
  refer_on_pstn: {
    question: "Which event and which code follow a REFER on a phone network's leg?",
    answer: referOnPstn,
  },
  hangup_after_refer: {
    question:
      'Does a hangup follow a completed REFER, with which cause, and does the leg outlive a failed one?',
    answer: hangupAfterRefer,
  },
  silent_refusal: {
    question: 'Does any event come when the far end refuses the REFER and sends no NOTIFY?',
    answer: silentRefusal,
  },
  second_started: {
    question: 'Does ringing (180) come as a second call.refer.started?',
    answer: secondStarted,
  },
  refer_before_answer: {
    question: 'Is a REFER before the answer refused with 90034?',
    answer: referBeforeAnswer,
  },
  refer_headers: {
    question: "Which SIP message carries a REFER's custom headers?",
    // Only the recipient of that message sees it.
    answer: () => null,
  },
};

export interface AnsweredQuestion {
  id: string;
  question: string;
  answer: string | null;
}

export function answersOf(rehearsal: Rehearsal): AnsweredQuestion[] {
  return Object.entries(OPEN_QUESTIONS).map(([id, { question, answer }]) => ({
    id,
    question,
    answer: answer(rehearsal),
  }));
}

function retryTimestamp({ webhooks }: Rehearsal): string | null {
  for (const { type, tries } of webhooks) {
    const stamps = tries.flatMap(({ timestamp }) => timestamp ?? []);
    if (stamps.length < 2) continue;
    const fresh = new Set(stamps).size > 1;
    // Within one second a new time would look the same.
    const first = tries.at(0)?.startedAt ?? 0;
    const last = tries.at(-1)?.startedAt ?? 0;
    if (!fresh && last - first < 1_000) continue;
    return `${fresh ? 'Yes' : 'No'}: ${type} was signed with ${stamps.join(', ')}.`;
  }
  return null;
}

function retrySpacing({ webhooks }: Rehearsal): string | null {
  const retried = webhooks.filter(
    ({ tries }) => tries.length > 1 || (tries[0] !== undefined && tries[0].status !== 200),
  );
  if (retried.length === 0) return null;
  return retried.map(triesInWords).join('; ').concat('.');
}

function triesInWords({ type, tries }: RehearsedWebhook): string {
  const statuses = tries.map(({ status }) => status ?? 'no answer').join(', ');
  const pauses = tries.slice(1).flatMap(({ startedAt }, nth) => {
    const before = tries[nth]?.startedAt ?? null;
    return startedAt === null || before === null ? [] : [`${startedAt - before} ms`];
  });
  const after = pauses.length === 0 ? '' : ` after ${pauses.join(', ')}`;
  return `${type}: ${counted(tries.length, 'try', 'tries')} (${statuses})${after}`;
}

function other2xx({ webhooks }: Rehearsal): string | null {
  const isOther = (status: number | null) => status !== null && status > 200 && status < 300;
  for (const { type, tries } of webhooks) {
    const nth = tries.findIndex(({ status }) => isOther(status));
    const found = tries[nth];
    if (found === undefined) continue;
    const again = nth < tries.length - 1 ? 'and it came again' : 'and it did not come again';
    const codes = found.errors.length === 0 ? '' : ` (error ${found.errors.join(', ')})`;
    return `${type} was answered ${found.status}${codes}, ${again}.`;
  }
  return null;
}

function duplicateCommand({ commands }: Rehearsal): string | null {
  for (const { id, action } of commands) {
    const answers = commands.filter((one) => one.id === id);
    if (answers.length < 2) continue;
    const words = answers.map(({ status, code, outcome }) => code ?? status ?? outcome).join(', ');
    return `${action} was sent ${answers.length} times and answered ${words}.`;
  }
  return null;
}

function clientStateSize({ webhooks }: Rehearsal): string | null {
  const longest = Math.max(0, ...webhooks.map(({ clientStateChars }) => clientStateChars ?? 0));
  return longest === 0 ? null : `At least ${longest} characters: that many came back.`;
}

function referOnPstn(rehearsal: Rehearsal): string | null {
  if (rehearsal.callerType !== 'pstn') return null;
  const refer = firstRefer(rehearsal);
  if (refer === null) return null;
  const events = refers(rehearsal).map(({ type, sipNotifyResponse: code }) =>
    code === null ? type : `${type} ${code}`,
  );
  if (events.length > 0) return `${events.join(', ')}.`;
  return refer.acceptedAt === null
    ? `The command was not accepted: ${refer.reason ?? refer.verdict ?? 'no reason given'}.`
    : 'None.';
}

function hangupAfterRefer(rehearsal: Rehearsal): string | null {
  const called = rehearsal.webhooks.filter(({ leg }) => leg === 'called');
  const final = called.findLastIndex(({ type }) => /^call\.refer\.(completed|failed)$/.test(type));
  const result = called[final];
  if (result === undefined) return null;
  const hangup = called.find(({ type }) => type === 'call.hangup');
  if (result.type === 'call.refer.completed') {
    if (hangup === undefined) return 'No hangup came after call.refer.completed.';
    return `Yes: call.hangup (${hangup.hangupCause ?? 'no cause'})${apart(result, hangup)}.`;
  }
  return hangup === undefined
    ? 'The leg outlived call.refer.failed.'
    : `After call.refer.failed the leg ended (${hangup.hangupCause ?? 'no cause'})${apart(result, hangup)}.`;
}

function apart(result: RehearsedWebhook, hangup: RehearsedWebhook): string {
  if (result.occurredAt === null || hangup.occurredAt === null) return '';
  const ms = hangup.occurredAt - result.occurredAt;
  return ms < 0 ? `, ${-ms} ms before it` : `, ${ms} ms after it`;
}

function silentRefusal(rehearsal: Rehearsal): string | null {
  const refer = firstRefer(rehearsal);
  if (refer?.acceptedAt === null || refer === null) return null;
  if (refers(rehearsal).length > 0 || refer.verdict === null) return null;
  return `No event came for a REFER that Telnyx had accepted (verdict ${refer.verdict}). The far end's SIP trace says what it answered.`;
}

function secondStarted(rehearsal: Rehearsal): string | null {
  const started = refers(rehearsal).filter(({ type }) => type === 'call.refer.started');
  const rang = started.some(({ sipNotifyResponse }) => sipNotifyResponse === 180);
  if (rang || started.length > 1) {
    const codes = started.map(({ sipNotifyResponse: code }) => code ?? 'no code').join(', ');
    return `${started.length > 1 ? 'Yes' : 'It is the only one'}: call.refer.started with ${codes}.`;
  }
  return null;
}

function referBeforeAnswer({ commands, answeredAt }: Rehearsal): string | null {
  const refers = commands.filter(({ action }) => action === 'refer');
  if (refers.some(({ code }) => code === '90034')) return 'Yes.';
  // If call.answered was missed, it is not known which came first.
  const early = refers.find(({ at }) => answeredAt !== null && at < answeredAt);
  if (early === undefined) return null;
  return `No: it was answered ${early.code ?? early.status ?? early.outcome}.`;
}

function firstRefer({ attempts }: Rehearsal): RehearsedAttempt | null {
  return attempts.find(({ kind }) => kind === 'refer') ?? null;
}

function refers({ webhooks }: Rehearsal): RehearsedWebhook[] {
  return webhooks.filter(({ type }) => type.startsWith('call.refer.'));
}

export function duplicatesIn({ webhooks }: Rehearsal): number {
  return webhooks.reduce((sum, webhook) => sum + duplicatesOf(webhook), 0);
}
