/** The positions of decoded values in their file, kept separately from the values. */
import type { Node } from 'yaml';
import type { Place } from './problem.ts';
import { type Source, startOf } from './source.ts';

/** The places of decoded objects, lists and their members in the file. */
export interface Positions {
  /** The place of the object or list, or of its member. */
  at(owner: object, key?: string | number): Place;
  /** The place of a member's key. */
  atKey(owner: object, key: string): Place;
  /** The line on which an object or list ends. */
  endLine(owner: object): number;
}

interface Spot {
  node: number;
  end: number;
  values: Map<string | number, number>;
  keys: Map<string, number>;
}

export class DecodedPositions implements Positions {
  readonly #placeAt: Source['at'];
  readonly #spots = new WeakMap<object, Spot>();

  constructor(source: Source) {
    this.#placeAt = source.at;
  }

  at(owner: object, key?: string | number): Place {
    const spot = this.#spots.get(owner);
    const own = spot?.node ?? 0;
    return this.#placeAt(key === undefined ? own : (spot?.values.get(key) ?? own));
  }

  atKey(owner: object, key: string): Place {
    const spot = this.#spots.get(owner);
    return this.#placeAt(spot?.keys.get(key) ?? spot?.node ?? 0);
  }

  endLine(owner: object): number {
    return this.#placeAt(this.#spots.get(owner)?.end ?? 0).line;
  }

  /** Stores the place of an object or list; its members are added as they are decoded. */
  add(value: object, node: Node): Spot {
    const spot: Spot = {
      node: startOf(node),
      end: Math.max(startOf(node), (node.range?.[1] ?? 1) - 1),
      values: new Map(),
      keys: new Map(),
    };
    this.#spots.set(value, spot);
    return spot;
  }
}
