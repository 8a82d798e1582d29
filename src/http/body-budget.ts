/**
 * One bound on the memory of all bodies that have begun, whoever sends them. If it is exceeded, the
 * largest unfinished body gives way: a few senders of large slow bodies can then neither fill the
 * memory nor keep out webhooks, which are small and complete within milliseconds.
 */
export interface BodyBudget {
  /** `giveWay` is called at most once, and never after `complete` or `end`. */
  begin(giveWay: () => void): HeldBody;
  /** The bytes held now. */
  held(): number;
}

export interface HeldBody {
  /** The body now takes so many bytes. May call `giveWay` of any body, also of this one. */
  grow(bytes: number): void;
  /** It has arrived and will be answered: it counts as before, but does not give way any more. */
  complete(): void;
  /** Nothing of it is kept any more. */
  end(): void;
}

export function createBodyBudget(bytesMax: number): BodyBudget {
  let held = 0;
  /** In order of arrival, so that of equally large ones the oldest gives way. */
  const unfinished = new Map<HeldBody, { bytes: number; giveWay: () => void }>();

  return {
    begin(giveWay) {
      const counted = { bytes: 0, giveWay };
      const body: HeldBody = {
        grow(bytes) {
          if (!unfinished.has(body)) return;
          held += bytes - counted.bytes;
          counted.bytes = bytes;
          while (held > bytesMax && unfinished.size > 0) cutLargest();
        },
        complete: () => void unfinished.delete(body),
        end() {
          held -= counted.bytes;
          counted.bytes = 0;
          unfinished.delete(body);
        },
      };
      unfinished.set(body, counted);
      return body;
    },
    held: () => held,
  };

  function cutLargest(): void {
    let largest: [HeldBody, { bytes: number; giveWay: () => void }] | undefined;
    for (const each of unfinished) {
      if (largest === undefined || each[1].bytes > largest[1].bytes) largest = each;
    }
    largest?.[0].end();
    largest?.[1].giveWay();
  }
}
