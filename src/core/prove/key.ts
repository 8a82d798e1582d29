/**
 * Everything that a call's future depends on, as a text. Two moments with the same text continue
 * alike, whatever came before them.
 */

import { awaitingFinal, mayHaveArrived } from '../machine/attribution.ts';
import type { Attempt, Call } from '../machine/call.ts';
import type { Command } from '../machine/command.ts';
import { isCounted } from '../machine/counting.ts';
import { REFER_SILENT_MS } from '../machine/limits.ts';
import type { Step } from '../machine/plan.ts';
import { isLooping } from '../machine/voice.ts';
import type { Scene } from './scene.ts';

export class Keys {
  readonly #known = new WeakMap<Step, number>();
  readonly #numbers = new Map<string, number>();

  /** Leaves out the time that has passed and what was counted. */
  future({ call, now, heard, unheard }: Scene, asks: Command | null): string {
    const { answered, answerRefused, lastResortRan, movingUnsafe, patienceOver } = call;
    const plan = call.plan.map(({ steps }) => steps.map((step) => this.#number(step)).join());
    const flags = [answered, answerRefused, lastResortRan, movingUnsafe, patienceOver];
    const running = call.running === null ? '' : this.#number(call.running.step);
    const failed = call.attempts.some(({ verdict }) => verdict !== null && verdict !== 'abandoned');
    const asked = Object.keys(call.facts.lookups ?? {}).length;
    const rest = [
      asked,
      failed,
      call.attempts.some(mayHaveArrived),
      isLooping(call),
      heard,
      unheard,
    ];
    const { phase, ends } = call;
    const open = mayReport(call, now).map(({ progress }) => (progress ? 'rang' : 'silent'));
    return [phase, ends, asks?.action, ...flags, running, plan.join('/'), ...rest, ...open].join(
      '|',
    );
  }

  /** What the future also depends on if durations matter. */
  time(scene: Scene): string {
    const { call, now } = scene;
    const patience = call.deadlines.find(({ name }) => name === 'patience');
    const refers = call.attempts.filter((each) => each.kind === 'refer' && isCounted(each)).length;
    const counted = call.attempts.filter(isCounted).length;
    const left = patience === undefined ? '' : patience.dueAt - now;
    const open = awaitingFinal(call).map((attempt) => reportsFor(attempt, now));
    return [left, refers, counted, open.join()].join('|');
  }

  /** What the measurements depend on: things that began before this moment and continue. */
  measure({ now, silentSince, promptAt, overAt }: Scene): string {
    return [silentSince, promptAt, overAt].map((at) => (at === null ? '' : now - at)).join('|');
  }

  #number(step: Step): number {
    const known = this.#known.get(step);
    if (known !== undefined) return known;
    const text = JSON.stringify(step);
    const number = this.#numbers.get(text) ?? this.#numbers.size;
    this.#numbers.set(text, number);
    this.#known.set(step, number);
    return number;
  }
}

/** Attempts that were given up and may still report: a later event may be attributed to them. */
export function mayReport(call: Call, now: number): Attempt[] {
  return awaitingFinal(call).filter(
    (attempt) => attempt.verdict !== null && (attempt.progress || reportsForMs(attempt, now) > 0),
  );
}

function reportsForMs({ requestEndedAt, sentAt }: Attempt, now: number): number {
  return Math.max(0, (requestEndedAt ?? sentAt) + REFER_SILENT_MS - now);
}

/** How long an attempt that was given up may still report its end. */
function reportsFor(attempt: Attempt, now: number): string {
  const { progress, movesOnAnyway } = attempt;
  return `${progress ? 'rang' : ''}${movesOnAnyway ? 'on' : ''}${reportsForMs(attempt, now)}`;
}
