/** The positions of decoded values in their file, kept separately from the values. */
import type { Node } from 'yaml';
import { type Source, startOf } from '../files/source.ts';
import type { Place } from '../problem.ts';

/** The places of decoded objects, lists and their members in the file. */
export interface Positions {
  /** The place of the object or list, or of its member. */
  at(owner: object, key?: string | number): Place;
  /** The place of a member's key. */
  atKey(owner: object, key: string): Place;
  /** The line on which an object or list ends. */
  endLine(owner: object): number;
  /** Whether the file has this key, even if its value could not be read. */
  has(owner: object, key: string): boolean;
  /** False: something in the object or list itself could not be read and is left out. */
  isWhole(owner: object): boolean;
  /** Whether the file has a key there that nobody knows, and that may be meant for any other. */
  hasUnknownKey(owner: object): boolean;
}

interface Spot {
  node: number;
  end: number;
  values: Map<string | number, number>;
  keys: Map<string, number>;
  isWhole: boolean;
  hasUnknownKey: boolean;
  /** Members, or only their keys, that nothing more is reported of; see `Place.reported`. */
  reported: Map<string, 'key' | 'member'> | null;
  /** Everything in it is a stand-in. */
  standsIn: boolean;
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
    const isReported = typeof key === 'string' && spot?.reported?.get(key) === 'member';
    return this.#place(spot, key === undefined ? own : (spot?.values.get(key) ?? own), isReported);
  }

  atKey(owner: object, key: string): Place {
    const spot = this.#spots.get(owner);
    const isReported = spot?.reported?.has(key) === true;
    return this.#place(spot, spot?.keys.get(key) ?? spot?.node ?? 0, isReported);
  }

  endLine(owner: object): number {
    return this.#placeAt(this.#spots.get(owner)?.end ?? 0).line;
  }

  has(owner: object, key: string): boolean {
    return this.#spots.get(owner)?.keys.has(key) === true;
  }

  isWhole(owner: object): boolean {
    const spot = this.#spots.get(owner);
    return spot?.isWhole === true && !spot.hasUnknownKey;
  }

  hasUnknownKey(owner: object): boolean {
    return this.#spots.get(owner)?.hasUnknownKey === true;
  }

  /** Stores the place of an object or list; its members are added as they are decoded. */
  add(value: object, node: Node, standsIn = false): Spot {
    const spot: Spot = {
      node: startOf(node),
      end: Math.max(startOf(node), (node.range?.[1] ?? 1) - 1),
      values: new Map(),
      keys: new Map(),
      isWhole: !standsIn,
      hasUnknownKey: false,
      reported: null,
      standsIn,
    };
    this.#spots.set(value, spot);
    return spot;
  }

  sayNoMore(spot: Spot, key: string, of: 'key' | 'member' = 'member'): void {
    spot.reported ??= new Map();
    spot.reported.set(key, of);
  }

  #place(spot: Spot | undefined, offset: number, isReported: boolean): Place {
    const place = this.#placeAt(offset);
    return isReported || spot?.standsIn === true ? { ...place, reported: true } : place;
  }
}
