/** Which calls changed, for whoever watches. */

export interface ChangeFeed {
  /** `after` null: only asks for the cursor of now. A store with replicas reports the changes of all. */
  changes(after: string | null, limit: number): Promise<Changes>;
}

/** Calls that changed after a cursor, each named once, the one that changed longest ago first. */
export interface Changes {
  callIds: string[];
  cursor: string;
  /** The cursor is too old, or not one of ours: what changed since is not known here. */
  missed: boolean;
}
