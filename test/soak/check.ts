/**
 * Compares the simulator's books with the service's account, call by call: every caller was moved,
 * released or hung up, each at most once; nobody stays in silence; every call ended in our store;
 * one command per attempt; verdicts say how the far ends really behaved, wherever anything reported
 * it.
 */
import type { BookedAttempt, CallBook } from '../../src/simulator/books.ts';
import type { CallScript } from '../../src/simulator/script.ts';
import type { ApiAttempt, ApiCall } from './api.ts';

export interface Witnessed {
  book: CallBook;
  script: CallScript;
  /** Null: the service has never heard of it. */
  call: ApiCall | null;
  /** The soak hung up for them: no webhook of their call ever reached the service. */
  rangOut: boolean;
}

/** Sentences, one for each thing that must not be; empty where all is well. */
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
  // Nothing reported it, or the report was lost: then an honest "unconfirmed" is the most we can
  // know.
  moved: new Set(['referred', 'transferred', 'unconfirmed']),
  released: new Set(['rejected', 'hung_up', 'failed']),
  // They may have hung up while our own hangup was on its way, or while the process was down.
  left: new Set(['missed', 'abandoned', 'unconfirmed', 'ignored', 'failed', 'hung_up', 'rejected']),
  dropped: new Set(['abandoned', 'unconfirmed', 'failed', 'hung_up']),
  waiting: new Set(),
};

function itsEnd({ book }: Witnessed, call: ApiCall): string[] {
  const found: string[] = [];
  if (call.phase !== 'ended' || call.ends === null) {
    return [`in our store it has not ended: ${call.phase}, ends ${call.ends}`];
  }
  const told = whatWeWereTold(book);
  const allowed = new Set(ENDS_OF[book.fate]);
  if (told.completed) {
    allowed.clear();
    allowed.add('referred');
  } else if (told.bridged) {
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
    const words = told.completed || told.bridged ? ', and we were told' : '';
    found.push(`the caller was ${book.fate}${words}, but the call ended as ${call.ends}`);
  }
  return found;
}

/**
 * Whether the API's answer, or any event, ever reported that Telnyx took the REFER that moved the
 * caller.
 */
function knewOfIt(book: CallBook, call: ApiCall): boolean {
  const mine = call.attempts.find(({ id }) => id === book.moved[0]?.commandId);
  return mine?.accepted_at !== null;
}

/** The news that reached the service: answered 200 at least once. */
function whatWeWereTold(book: CallBook): { completed: boolean; bridged: boolean } {
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
 * Judged where nothing is left to doubt: the far end's answer reached us, and every earlier attempt
 * had its own. (While an older attempt is owed its final event, nobody can tell whose event it is.)
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
  // Where the news of its ringing was lost, 603 looks like the refusal of the REFER itself.
  if (result === 603 && verdict === 'not_allowed') return [];
  return [`${named(mine)} ended as ${verdict}, but its far end said ${result} (${expected})`];
}

/**
 * We asked for it and no final event of it ever came: as far as we know, it may still be reported.
 */
function isOwed(book: CallBook, { id, verdict }: ApiAttempt): boolean {
  if (verdict === 'rejected') return false;
  const booked = book.attempts.find(({ commandId }) => commandId === id);
  return booked === undefined || !finalReachedUs(book, booked);
}

/**
 * We had concluded without its final event. What comes then closes the oldest that is owed one,
 * since an event of the newer one looks the same as a late one of the older.
 */
function wasGivenUp(call: ApiCall, attempt: ApiAttempt): boolean {
  const words = `${named(attempt)}: no_verdict`;
  return call.timeline.some(({ notes }) => notes.some((note) => note.startsWith(words)));
}

/** The nth final event of a REFER belongs to the nth that was reported. */
function finalReachedUs(book: CallBook, booked: BookedAttempt): boolean {
  if (booked.kind === 'transfer') return true;
  if (!booked.told) return false;
  const told = book.attempts.filter((each) => each.kind === 'refer' && each.told);
  const finals = book.webhooks.filter(({ type }) => FINALS.has(type));
  const mine = finals[told.indexOf(booked)];
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
 * A second attempt begins only after we had concluded on the first: else a caller could be moved
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
