/** Several observers as one. */
import type { Observer } from './engine.ts';

export function combineObservers(...all: Observer[]): Observer {
  return {
    committed(...committed) {
      for (const each of all) each.committed(...committed);
    },
    duplicate(event) {
      for (const each of all) each.duplicate(event);
    },
    deadLetter(...deadLetter) {
      for (const each of all) each.deadLetter(...deadLetter);
    },
    batch(...batch) {
      for (const each of all) each.batch(...batch);
    },
    counted(final) {
      for (const each of all) each.counted?.(final);
    },
  };
}
