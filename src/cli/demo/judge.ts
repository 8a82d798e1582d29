/** Checks that a call ended as its script says, according to both the server and the simulator. */
import type { CallBook } from '../../simulator/books.ts';
import type { PlayedCall } from '../../simulator/scripts.ts';
import type { ApiCall } from './call.ts';

/** Empty if everything agrees, otherwise one sentence for each difference. */
export function disagreements(
  { expect }: PlayedCall,
  call: ApiCall | null,
  book: CallBook,
): string[] {
  return [
    ...(call === null ? ['the server does not know the call'] : byTheServer(expect, call)),
    ...byTheSimulator(expect, book),
  ];
}

function byTheServer(expect: PlayedCall['expect'], call: ApiCall): string[] {
  const attempts = call.attempts.map(({ target, verdict }) => `${target}: ${verdict}`).join(', ');
  const expected = expect.attempts.map(({ target, verdict }) => `${target}: ${verdict}`).join(', ');
  return [
    ...differs('it ends', call.ends ?? 'not at all', expect.ends),
    ...differs('its rule is', call.rule ?? 'otherwise', expect.rule ?? 'otherwise'),
    ...differs('its attempts are', attempts || 'none', expected || 'none'),
  ];
}

function byTheSimulator(expect: PlayedCall['expect'], book: CallBook): string[] {
  const undelivered = book.webhooks.filter(({ outcome }) => outcome !== 'delivered');
  return [
    ...(book.fate === 'waiting' ? ['the caller was left in silence'] : []),
    ...(book.moved.length > 1 ? [`the caller was moved ${book.moved.length} times`] : []),
    ...differs('according to the simulator the caller was', book.fate, expect.fate),
    ...undelivered.map(({ type }) => `the server never accepted ${type}`),
  ];
}

function differs(what: string, got: string, expected: string): string[] {
  return got === expected ? [] : [`${what} ${got}, not ${expected}`];
}
