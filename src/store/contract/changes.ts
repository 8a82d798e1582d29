/** Which calls changed, for watchers such as the event streams. */

export interface ChangeFeed {
  /**
   * With null for `after`, returns only the current cursor. A store with replicas reports the
   * changes of all of them.
   */
  changes(after: string | null, limit: number): Promise<Changes>;
}

/** Calls that changed after a cursor, each once, in the order of their last change. */
export interface Changes {
  callIds: string[];
  cursor: string;
  /** The cursor is too old or from another life of the store, so changes may have been missed. */
  missed: boolean;
}
