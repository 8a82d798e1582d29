/** `--utc`, the same for every command that shows times. */
export const UTC_OPTION = [
  '--utc',
  'times in UTC; otherwise in the zone of this terminal, with its offset',
] as const;
