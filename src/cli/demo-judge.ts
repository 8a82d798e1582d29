/** Whether a played call came to the end its script promises: by the server's account and by the simulator's books. */
import type { CallBook } from '../simulator/books.ts';
import type { PlayedCall } from '../simulator/scripts.ts';
import type { ApiCall } from './demo-api.ts';

/** Empty where all agree; else one sentence for each thing that does not. */
export function disagreements(
  { expect }: PlayedCall,
  call: ApiCall | null,
  book: CallBook,
): string[] {
  return [
    ...(call === null ? ['the server has never heard of it'] : byTheServer(expect, call)),
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
    ...differs('in the simulator’s books the caller was', book.fate, expect.fate),
    ...undelivered.map(({ type }) => `the server never took ${type}`),
  ];
}

function differs(what: string, got: string, expected: string): string[] {
  return got === expected ? [] : [`${what} ${got}, not ${expected}`];
}
