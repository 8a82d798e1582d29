/** Work that is done again and again, each time after a pause. */
export interface Repeated {
  /** Does it for the first time. */
  start(): void;
  /** Resolves when none is being done any more. */
  stop(): Promise<void>;
}

export interface RepeatOptions {
  everyMs: number;
  run: (stopped: () => boolean) => Promise<void>;
  onGood?: () => void;
  onError: (error: unknown) => void;
}

/** Work in portions, until one is smaller than it may be, because then nothing is left. */
export async function inPortions(
  max: number,
  stopped: () => boolean,
  portion: (max: number) => Promise<number>,
): Promise<void> {
  for (let done = max; done >= max && !stopped(); ) done = await portion(max);
}

export function repeat({ everyMs, run, onGood, onError }: RepeatOptions): Repeated {
  let timer: NodeJS.Timeout | undefined;
  let stopped = true;
  let running: Promise<void> = Promise.resolve();
  const round = () => {
    running = run(() => stopped)
      .then(onGood, (error: unknown) => {
        // Nothing is tried again, and work that the stop interrupted is not a failure.
        if (!stopped) onError(error);
      })
      .then(() => {
        if (!stopped) timer = setTimeout(round, everyMs).unref();
      });
  };
  return {
    start() {
      stopped = false;
      round();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
