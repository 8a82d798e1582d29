/** The number of steps a comparison may still take; above the limit it ends without an answer. */
export class StepBudget {
  #left: number;

  constructor(steps: number) {
    this.#left = steps;
  }

  /** False if none is left. */
  spend(): boolean {
    this.#left -= 1;
    return this.#left >= 0;
  }

  get spent(): boolean {
    return this.#left < 0;
  }
}
