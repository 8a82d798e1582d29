/** The route sets that were in use, with their files, so that an old call can be explained by its own. */

export interface RouteVersions {
  /** One deflated part of a file's content; keeping it again changes nothing. */
  keepRoutePart(key: string, part: number, content: Uint8Array): Promise<void>;
  /**
   * A set came into use; the others of its role are not in use any more. Nothing changes if it was
   * in use already, as when another replica says the same. `left`: the set that this replica ran
   * until now, which may have been in use longer than others knew.
   */
  keepRouteVersion(version: Omit<RouteVersion, 'at' | 'until'>, left: string | null): Promise<void>;
  /** No set is in use in this role any more. */
  endRouteVersions(role: RouteVersion['role']): Promise<void>;
  /** Those that came into use last first. */
  routeVersions(limit: number): Promise<RouteVersion[]>;
  routeVersion(hash: string): Promise<RouteVersion | null>;
  /** The deflated content of a file, part by part; null if there is none. */
  routeFile(key: string): Promise<Uint8Array | null>;
  /**
   * Removes versions that ceased before `before`, are not among the newest `keep`, that no replica
   * runs and no call can refer to, and contents that no version has; returns how many versions.
   */
  pruneRouteVersions(before: number, keep: number): Promise<number>;
}

/** A route set that was live at some time. */
export interface RouteVersion {
  hash: string;
  /** `next`: some callers followed it while another set was live. */
  role: 'live' | 'next';
  /** Who made it so the last time: an operator, or `start`, `folder`, `signal`, `replica`. */
  who: string;
  /** When that was. */
  at: number;
  /** When it ceased to be; null while it is in use. */
  until: number | null;
  /** The commit that its folder had checked out; its files may have been changed since. */
  commit: string | null;
  files: VersionFile[];
}

export interface VersionFile {
  name: string;
  /** SHA-256 of its content, hex: what `routeFile` is asked with. */
  key: string;
  bytes: number;
  /** How many parts its deflated content has; null: it was too large to be kept. */
  parts: number | null;
}
