/**
 * The route sets that were in use, with their files, so that an old call can be explained by the
 * rules that decided it.
 */

export interface RouteVersions {
  /** Keeps one deflated part of a file's content; doing so again changes nothing. */
  keepRoutePart(key: string, part: number, content: Uint8Array): Promise<void>;
  /**
   * Records that a set came into use; the other sets of its role are no longer in use. Nothing
   * changes if it was in use already, for instance because another replica recorded it. `left`: the
   * set that this replica ran until now, perhaps for longer than the others.
   */
  keepRouteVersion(version: Omit<RouteVersion, 'at' | 'until'>, left: string | null): Promise<void>;
  /** Records that no set is in use in this role any more. */
  endRouteVersions(role: RouteVersion['role']): Promise<void>;
  /** Newest first, by when they came into use. */
  routeVersions(limit: number): Promise<RouteVersion[]>;
  routeVersion(hash: string): Promise<RouteVersion | null>;
  /** The deflated content of a file, its parts joined; null if there is none. */
  routeFile(key: string): Promise<Uint8Array | null>;
  /**
   * Removes versions that went out of use before `before`, unless they are among the newest `keep`,
   * a replica runs them or a call may refer to them; also contents that no version has. Returns how
   * many versions were removed.
   */
  pruneRouteVersions(before: number, keep: number): Promise<number>;
}

/** A route set that is or was in use. */
export interface RouteVersion {
  hash: string;
  /** `next`: some callers followed it while another set was live. */
  role: 'live' | 'next';
  /**
   * Who brought it into use the last time: an operator, or `start`, `folder`, `signal`, `replica`.
   */
  who: string;
  /** When that was. */
  at: number;
  /** When it went out of use; null while it is in use. */
  until: number | null;
  /** The commit that its folder had checked out; the files may have been edited since. */
  commit: string | null;
  files: VersionFile[];
}

export interface VersionFile {
  name: string;
  /** SHA-256 of its content, hexadecimal; the argument of `routeFile`. */
  key: string;
  bytes: number;
  /** How many parts its deflated content has; null if it was too large to be kept. */
  parts: number | null;
}
