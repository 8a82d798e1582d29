/**
 * Compares the simulator's books with the service's data, call by call: every caller was moved,
 * released or hung up, and moved at most once; nobody is left in silence; every call has ended in
 * our store; there is one command per attempt; verdicts match the real behaviour of the far ends,
 * as far as anything reported it.
 */
import type { BookedAttempt, CallBook } from '../../src/simulator/books.ts';
import type { CallScript } from '../../src/simulator/script.ts';
import type { ApiAttempt, ApiCall } from './api.ts';

export interface Witnessed {
  book: CallBook;
  script: CallScript;
  /** Null: the service does not know the call. */
  call: ApiCall | null;
  /** The soak hung up for the caller, because no webhook of the call ever reached the service. */
  rangOut: boolean;
}

/** One sentence for each violation; empty if everything is right. */
export function violations(witnessed: Witnessed): string[] {
  const { call } = witnessed;
  const aboutTheCaller = [...fateProblems(witnessed), ...commandsOnce(witnessed)];
  if (call === null) return [...aboutTheCaller, ...unheardOf(witnessed)];
  return [...aboutTheCaller, ...itsEnd(witnessed, call), ...itsAttempts(witnessed, call)];
}

function fateProblems({ book, script, rangOut }: Witnessed): string[] {
  const found: string[] = [];
  const drops = JSON.stringify(script.refers ?? '').includes('dropsAfterFailure');
  if (book.moved.length > 1) {
    found.push(`moved ${book.moved.length} times: ${book.moved.map((m) => m.address).join(', ')}`);
  }
  switch (book.fate) {
    case 'waiting':
      found.push('left in silence: the caller is still on the line');
      break;
    case 'left':
      if (script.callerHangup === undefined && !rangOut)
        found.push('the caller hung up, but no script says so');
      break;
    case 'dropped':
      if (!drops) found.push('dropped by the network, which no script says');
      break;
    case 'moved':
    case 'released':
      break;
  }
  return found;
}

function commandsOnce({ book }: Witnessed): string[] {
  const executed = new Map<string, number>();
  for (const request of book.requests) {
    const id = request.body?.command_id;
    if (!request.executed || typeof id !== 'string') continue;
    executed.set(id, (executed.get(id) ?? 0) + 1);
  }
  const twice = [...executed].filter(([, times]) => times > 1).map(([id]) => id);
  const bare = book.requests.filter(
    ({ executed: ran, action, body }) =>
      ran && action !== 'client_state_update' && typeof body?.command_id !== 'string',
  );
  return [
    ...twice.map((id) => `command ${id} was executed more than once`),
    ...bare.map(({ action }) => `${action} was sent without a command_id`),
  ];
}

function unheardOf({ book }: Witnessed): string[] {
  return book.heardOf ? ['a webhook was answered 200, but the service does not know the call'] : [];
}

const ENDS_OF: Record<CallBook['fate'], ReadonlySet<string>> = {
  // If nothing reported the move, or the report was lost, "unconfirmed" is the most we can know.
  moved: new Set(['referred', 'transferred', 'unconfirmed']),
  released: new Set(['rejected', 'hung_up', 'failed']),
  // The caller may have hung up while our own hangup was on its way, or while the process was down.
  left: new Set(['missed', 'abandoned', 'unconfirmed', 'ignored', 'failed', 'hung_up', 'rejected']),
  dropped: new Set(['abandoned', 'unconfirmed', 'failed', 'hung_up']),
  waiting: new Set(),
};

function itsEnd({ book }: Witnessed, call: ApiCall): string[] {
  const found: string[] = [];
  if (call.phase !== 'ended' || call.ends === null) {
    return [`in our store it has not ended: ${call.phase}, ends ${call.ends}`];
  }
  const reported = whatWasReported(book);
  const allowed = new Set(ENDS_OF[book.fate]);
  if (reported.completed) {
    allowed.clear();
    allowed.add('referred');
  } else if (reported.bridged) {
    allowed.clear();
    allowed.add('transferred');
  } else if (book.fate === 'moved' && book.moved[0]?.kind === 'transfer') {
    // Every event that could report the bridge was lost, so the caller seems to have hung up,
    // before or after we gave up.
    for (const ends of ['abandoned', 'failed', 'hung_up']) allowed.add(ends);
  } else if (book.fate === 'moved' && !knewOfIt(book, call)) {
    allowed.add('abandoned');
  }
  if (!allowed.has(call.ends)) {
    const words = reported.completed || reported.bridged ? ', and it was reported' : '';
    found.push(`the caller was ${book.fate}${words}, but the call ended as ${call.ends}`);
  }
  return found;
}

/**
 * Whether the API's answer, or any event, reported that Telnyx had accepted the REFER that moved
 * the caller.
 */
function knewOfIt(book: CallBook, call: ApiCall): boolean {
  const mine = call.attempts.find(({ id }) => id === book.moved[0]?.commandId);
  return mine?.accepted_at !== null;
}

/** The events that reached the service, that is, were answered 200 at least once. */
function whatWasReported(book: CallBook): { completed: boolean; bridged: boolean } {
  const reached = (type: string): boolean =>
    book.webhooks.some(
      (webhook) => webhook.type === type && webhook.deliveries.some(({ status }) => status === 200),
    );
  return { completed: reached('call.refer.completed'), bridged: reached('call.bridged') };
}

function itsAttempts({ book }: Witnessed, call: ApiCall): string[] {
  const found: string[] = [];
  const ours = new Map(call.attempts.map((attempt) => [attempt.id, attempt]));
  for (const attempt of call.attempts) {
    if (attempt.verdict === null) found.push(`${named(attempt)} has no verdict`);
  }
  const completed = call.attempts.filter(({ verdict }) => verdict === 'completed');
  if (completed.length > 1) found.push(`${completed.length} attempts count as completed`);
  for (const booked of book.attempts) {
    const mine = ours.get(booked.commandId ?? '');
    if (mine === undefined) {
      found.push(
        `the simulator ran a ${booked.kind} to ${booked.address} that is no attempt of ours`,
      );
      continue;
    }
    const earlier = call.attempts.slice(0, call.attempts.indexOf(mine));
    found.push(...verdictAgainst(book, booked, mine, earlier, call));
  }
  return [...found, ...oneAtATime(book, call)];
}

/**
 * Only judged if there is no doubt: the far end's answer reached us, and every earlier attempt had
 * its own final event. (While an older attempt lacks its final event, it is unclear to which of
 * them an event belongs.)
 */
function verdictAgainst(
  book: CallBook,
  booked: BookedAttempt,
  mine: ApiAttempt,
  earlier: ApiAttempt[],
  call: ApiCall,
): string[] {
  const { result } = booked;
  const { verdict } = mine;
  const moved = book.moved.some(({ commandId }) => commandId === booked.commandId);
  if (verdict === 'completed' && !moved) {
    return [`${named(mine)} counts as completed, but its far end said ${result}`];
  }
  if (typeof result !== 'number' || result < 300 || booked.kind === 'transfer') return [];
  if (earlier.some((attempt) => isOwed(book, attempt) || wasGivenUp(call, attempt))) return [];
  if (!finalReachedUs(book, booked)) return [];
  const expected = VERDICT_OF.get(result) ?? 'other';
  if (verdict === expected) return [];
  // If the report of its ringing was lost, 603 looks like the refusal of the REFER itself.
  if (result === 603 && verdict === 'not_allowed') return [];
  return [`${named(mine)} ended as ${verdict}, but its far end said ${result} (${expected})`];
}

/** It was requested and never had a final event, which may still be reported as far as we know. */
function isOwed(book: CallBook, { id, verdict }: ApiAttempt): boolean {
  if (verdict === 'rejected') return false;
  const booked = book.attempts.find(({ commandId }) => commandId === id);
  return booked === undefined || !finalReachedUs(book, booked);
}

/**
 * The service had given up on it without its final event. A later event then closes the oldest
 * attempt without one, because an event of the newer attempt looks the same as a late one of the
 * older.
 */
function wasGivenUp(call: ApiCall, attempt: ApiAttempt): boolean {
  const words = `${named(attempt)}: no_verdict`;
  return call.timeline.some(({ notes }) => notes.some((note) => note.startsWith(words)));
}

/** The nth final event of a REFER belongs to the nth that was reported. */
function finalReachedUs(book: CallBook, booked: BookedAttempt): boolean {
  if (booked.kind === 'transfer') return true;
  if (!booked.reported) return false;
  const reported = book.attempts.filter((each) => each.kind === 'refer' && each.reported);
  const finals = book.webhooks.filter(({ type }) => FINALS.has(type));
  const mine = finals[reported.indexOf(booked)];
  return mine?.deliveries.some(({ status }) => status === 200) ?? false;
}

const FINALS: ReadonlySet<string> = new Set(['call.refer.completed', 'call.refer.failed']);

/** The statuses that the soak's far ends answer with; RFC 3261, section 21. */
const VERDICT_OF: ReadonlyMap<number, string> = new Map([
  [486, 'busy'],
  [480, 'no_answer'],
  [603, 'declined'],
  [404, 'not_found'],
  [405, 'not_allowed'],
  [503, 'server_error'],
]);

/**
 * A second attempt may only begin after the first was concluded; otherwise a caller could be moved
 * twice.
 */
function oneAtATime(book: CallBook, call: ApiCall): string[] {
  const found: string[] = [];
  for (const [index, booked] of book.attempts.entries()) {
    const before = call.attempts.find(({ id }) => id === book.attempts[index - 1]?.commandId);
    if (before === undefined) continue;
    const issued = call.timeline.findIndex(({ commands }) =>
      commands.some(({ id }) => id === booked.commandId),
    );
    const words = `${named(before)}: `;
    const concluded = call.timeline.findIndex(({ notes }) =>
      notes.some((note) => note.startsWith(words)),
    );
    if (concluded < 0 || issued < concluded) {
      found.push(`${booked.kind} to ${booked.address} began while ${named(before)} was open`);
    }
  }
  return found;
}

function named(attempt: ApiAttempt): string {
  return `${attempt.kind} to ${attempt.target ?? attempt.sip_address}`;
}
