/** Timers that fire when the test says so; they replace the global ones while a story runs. */
interface Timer {
  id: number;
  at: number;
  fall(): void;
}

export class VirtualTime {
  now: number;
  #timers: Timer[] = [];
  #ids = 0;
  readonly #real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };

  constructor(now: number) {
    this.now = now;
  }

  install(): void {
    const set = (fall: () => void, ms = 0) => this.#set(fall, ms);
    globalThis.setTimeout = set as unknown as typeof setTimeout;
    globalThis.clearTimeout = ((timer?: { id: number }) =>
      this.#clear(timer)) as unknown as typeof clearTimeout;
  }

  uninstall(): void {
    Object.assign(globalThis, this.#real);
  }

  /** When the next timer fires; null if there is none. */
  next(): number | null {
    return this.#timers.length === 0 ? null : Math.min(...this.#timers.map(({ at }) => at));
  }

  /** Advances to this time and fires everything due by then. */
  passTo(at: number): void {
    this.now = Math.max(this.now, at);
    const due = this.#timers.filter((timer) => timer.at <= this.now);
    this.#timers = this.#timers.filter((timer) => timer.at > this.now);
    for (const { fall } of due.sort((a, b) => a.at - b.at || a.id - b.id)) fall();
  }

  #set(fall: () => void, ms: number): object {
    const timer = { id: ++this.#ids, at: this.now + Math.max(0, ms), fall };
    this.#timers.push(timer);
    const handle = { id: timer.id, ref: () => handle, unref: () => handle, hasRef: () => true };
    return handle;
  }

  #clear(timer: { id: number } | undefined): void {
    this.#timers = this.#timers.filter(({ id }) => id !== timer?.id);
  }
}
