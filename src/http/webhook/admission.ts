/**
 * Admission: limits how many webhooks are processed at once. The others wait in order of arrival,
 * with their headers read and their body still in the socket. So a burst is delayed instead of
 * refused, senders wait for their answer before they send more, and one turn of the event loop
 * handles a bounded number. After too long a wait: 503.
 */
export interface Admission {
  /**
   * Calls `take` once: with true when there is room, now or later, or with false after too long a
   * wait.
   */
  enter(take: (admitted: boolean) => void): void;
  /** The body of an admitted webhook has arrived. */
  begin(): void;
  /** The webhook has been answered. */
  end(): void;
  /** Refuses the waiting webhooks, and from now on every one that would have to wait. */
  close(): void;
}

export interface AdmissionLimits {
  /** Maximum processed at the same time. */
  underWayMax: number;
  /** Maximum waiting; the next one is refused at once. */
  waitingMax: number;
  /** Maximum wait in ms. */
  waitMs: number;
}

/** How often to look for webhooks that have waited too long. */
const LOOK_EVERY_MS = 20;

export function createAdmission({ underWayMax, waitingMax, waitMs }: AdmissionLimits): Admission {
  let underWay = 0;
  /**
   * Admitted webhooks whose body has not arrived. Reset at each check, so that slow bodies do not
   * hold a slot.
   */
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
      // A batch frees many slots at once, so they are reassigned together.
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
