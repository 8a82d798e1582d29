-- oldest code: 1
--
-- A transfer's B-leg is a leg of its caller: lists and statistics are of callers, and where a call came in
-- decides nothing about how many legs they have to walk over. `parent` is the caller's call_control_id.

alter table calls add column parent text;
alter table calls add column leg integer generated always as (parent is not null) virtual;
update calls set parent = json_extract(document, '$.parentId') where instr(document, '"parentId"') > 0;

create index calls_parent on calls (parent, created_at) where parent is not null;
drop index calls_created;
drop index calls_phase;
drop index calls_ends;
drop index calls_caller;
drop index calls_callee;
create index calls_created on calls (leg, created_at);
create index calls_phase on calls (phase, leg, created_at);
create index calls_ends on calls (ends, leg, created_at) where ends is not null;
create index calls_caller on calls (caller, leg, created_at) where caller is not null;
create index calls_callee on calls (callee, leg, created_at) where callee is not null;

-- Verdicts and ends that may still be corrected, and when they are counted at the latest. Whoever takes
-- the row out counts it: once, whichever replica that is. `item`: an attempt's id, or the call's own.
create table uncounted (
  call integer not null,
  item text not null,
  due_at integer not null,
  primary key (call, item)
) strict, without rowid;

create index uncounted_due on uncounted (due_at);
