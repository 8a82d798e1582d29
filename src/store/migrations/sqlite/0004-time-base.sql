-- oldest code: 1
--
-- Where the store's clock goes on at the next start; see sqlite/store-time.ts. Not in `pulse`, which the
-- release before writes without naming its columns.

create table time_base (
  only integer primary key check (only = 1),
  at integer not null,
  since_boot real not null,
  boot text
) strict;
