/**
 * How many webhooks are worked on at once, and the wait of the others. They wait at the door, in the order
 * they came, with their headers read and their body still in the socket: a burst is taken in a moment
 * later instead of being sent away, a sender waits for its answer before it sends more, and one turn of the
 * event loop never holds more than a bounded number of webhooks. Who waits too long gets 503.
 */
export interface Admission {
  /** `take` is called once: with true when there is room, at once or later, with false when the wait was too long. */
  enter(take: (admitted: boolean) => void): void;
  /** The body of one that was admitted is here. */
  begin(): void;
  /** It has its answer. */
  end(): void;
  /** Nobody waits from now on; those who do are sent away. */
  close(): void;
}

export interface AdmissionLimits {
  /** Worked on at once. */
  underWayMax: number;
  /** Waiting; the next is sent away at once. */
  waitingMax: number;
  /** The longest wait. */
  waitMs: number;
}

/** How often those are looked for who wait too long. */
const LOOK_EVERY_MS = 20;

export function createAdmission({ underWayMax, waitingMax, waitMs }: AdmissionLimits): Admission {
  let underWay = 0;
  /** Admitted, body not here yet. Forgotten at each look, so that slow bodies hold no place. */
  let coming = 0;
  let waiting: { take: (admitted: boolean) => void; until: number }[] = [];
  let timer: NodeJS.Timeout | null = null;
  let admitting = false;
  let closed = false;

  return {
    enter(take) {
      if (waiting.length === 0 && underWay + coming < underWayMax) {
        coming += 1;
        take(true);
      } else if (closed || waiting.length >= waitingMax) {
        take(false);
      } else {
        waiting.push({ take, until: performance.now() + waitMs });
        timer ??= setInterval(look, LOOK_EVERY_MS);
      }
    },
    begin() {
      underWay += 1;
      if (coming > 0) coming -= 1;
    },
    end() {
      underWay -= 1;
      // A batch ends many of them in one go: their places are given away together.
      if (waiting.length === 0 || admitting) return;
      admitting = true;
      setImmediate(admit);
    },
    close() {
      closed = true;
      const left = waiting;
      waiting = [];
      settle();
      for (const { take } of left) take(false);
    },
  };

  function admit(): void {
    admitting = false;
    const room = Math.max(0, underWayMax - underWay - coming);
    const next = waiting.slice(0, room);
    waiting = waiting.slice(room);
    coming += next.length;
    settle();
    for (const { take } of next) take(true);
  }

  function look(): void {
    coming = 0;
    const now = performance.now();
    const inTime = waiting.findIndex(({ until }) => until > now);
    const late = inTime === -1 ? waiting : waiting.slice(0, inTime);
    waiting = inTime === -1 ? [] : waiting.slice(inTime);
    for (const { take } of late) take(false);
    admit();
  }

  function settle(): void {
    if (waiting.length > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  }
}
