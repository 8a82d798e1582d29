/**
 * What replicas share besides calls: versioned settings, and the list of replicas that are running.
 */

export interface Settings {
  /** A setting that was never changed has version 0 and the value null. */
  setting(name: SettingName): Promise<{ version: number; value: unknown }>;
  /**
   * Changes a setting in one transaction and returns the new version. If `change` throws, nothing
   * is changed and the error is passed on. `change` receives the store's clock, because a replica's
   * own clock must not decide what has expired for all.
   */
  changeSetting(
    name: SettingName,
    change: (value: unknown, now: number) => unknown,
  ): Promise<number>;
}

export interface Replicas {
  heartbeat(replica: Omit<Replica, 'seenAt'>): Promise<void>;
  replicas(): Promise<Replica[]>;
}

/** `recovery`: since when webhooks may have been missed, and what was found out about it. */
export type SettingName = keyof SettingsVersions | 'recovery' | 'sessions';

export interface SettingsVersions {
  overrides: number;
  reload: number;
  rest: number;
}

export function isVersioned(name: string | null): name is keyof SettingsVersions {
  return name === 'overrides' || name === 'reload' || name === 'rest';
}

export interface Replica {
  id: string;
  startedAt: number;
  seenAt: number;
  routeSet: string | null;
  /** The last refused reload, null after a good one. */
  refusal: string | null;
  /** Its current problems, for the page of every other replica; the store does not read them. */
  troubles?: unknown;
}
