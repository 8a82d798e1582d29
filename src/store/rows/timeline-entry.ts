/** Entries of a call's timeline as they are stored. */
import type { TimelineEntry } from '../contract/timeline.ts';

/** For each call; later events are still recognized by their key, but no longer listed. */
export const TIMELINE_ENTRIES_MAX = 500;

/**
 * A timeline entry with words as keys, because operators read the table. Empty fields, and those
 * that the event's key already says, are left out.
 */
export function packEntry(entry: TimelineEntry): string {
  return JSON.stringify({
    ...entry,
    key: entry.key === keyByType(entry) ? undefined : entry.key,
    occurredAt: entry.occurredAt ?? undefined,
    phaseBefore: entry.phaseBefore ?? undefined,
    notes: entry.notes.length > 0 ? entry.notes : undefined,
    commands: entry.commands.length > 0 ? entry.commands : undefined,
    attempt: entry.attempt ?? undefined,
    detail: hasKeys(entry.detail) ? entry.detail : undefined,
    trace: entry.trace ?? undefined,
    recorded: entry.recorded ?? undefined,
  });
}

export function unpackEntry(text: string): TimelineEntry {
  const said = JSON.parse(text) as Partial<TimelineEntry> &
    Pick<TimelineEntry, 'id' | 'source' | 'type' | 'at' | 'phase'>;
  return {
    key: keyByType(said),
    occurredAt: null,
    phaseBefore: null,
    notes: [],
    commands: [],
    attempt: null,
    detail: {},
    trace: null,
    recorded: null,
    ...said,
  };
}

function keyByType({ type, id }: Pick<TimelineEntry, 'type' | 'id'>): string {
  return `${type}|${id}`;
}

function hasKeys(detail: object): boolean {
  for (const _ in detail) return true;
  return false;
}
