/** The server's clock in SQL: replicas agree on it. */

/** In milliseconds. */
export const NOW_MS = 'floor(extract(epoch from clock_timestamp()) * 1000)::bigint';

/** An index can be read up to this, and not up to a function that is called for each row. */
export const CLOCK = `clock as materialized (select ${NOW_MS} as now)`;
