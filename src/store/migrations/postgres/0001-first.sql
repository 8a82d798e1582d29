-- oldest code: 1
--
-- Keys are the first 16 bytes of a SHA-256, as uuid: half the size of the text and quicker to compare.
--
-- `calls` is written with every webhook and has two indexes only: an update that changes an indexed
-- column (due_at, nearly always) writes an entry into every index of its table. What lists are filtered
-- by changes once or twice in a call's life and lies in `call_filters`.

create table calls (
  call bigint generated always as identity,
  key uuid primary key,
  version integer not null,
  -- Code that wrote the row: older code leaves it alone.
  code integer not null,
  -- Rows of `events`: the order of the next one.
  entries integer not null,
  -- The earliest of the deadlines in the document.
  due_at bigint,
  phase text not null,
  document text not null
) with (
  fillfactor = 70, toast_tuple_target = 8160,
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000
);

-- Compressing two kilobytes at every webhook costs more than it saves.
alter table calls alter column document set storage external;
create index calls_due on calls (due_at) where due_at is not null;

create table call_filters (
  call bigint primary key,
  key uuid not null,
  created_at bigint not null,
  ended_at bigint,
  -- The phase is `ended`.
  over boolean not null,
  ends text,
  rule text,
  caller text,
  callee text,
  session text
);

create index call_filters_created on call_filters (created_at, call);
create index call_filters_live on call_filters (created_at, call) where not over;
create index call_filters_ended on call_filters (ended_at) where ended_at is not null;
create index call_filters_ends on call_filters (ends, created_at, call) where ends is not null;
create index call_filters_rule on call_filters (rule, created_at, call) where rule is not null;
create index call_filters_caller on call_filters (caller, created_at, call) where caller is not null;
create index call_filters_callee on call_filters (callee, created_at, call) where callee is not null;
create index call_filters_session on call_filters (session, created_at, call) where session is not null;

-- Append only: the dedupe and the timeline. `document` is null past the limit of one call's timeline.
create table events (
  call bigint not null,
  key uuid not null,
  entry integer not null,
  document text,
  primary key (call, key)
);

create table attempts (
  call bigint not null,
  key uuid not null,
  kind text not null,
  target text,
  verdict text,
  caller text,
  -- Of the call, for the order of lists.
  created_at bigint not null,
  started_at bigint not null,
  unsent boolean not null,
  primary key (call, key)
);

create index attempts_key on attempts (key);
create index attempts_started on attempts (kind, started_at) where not unsent;
create index attempts_caller on attempts (caller, kind, started_at) where not unsent and caller is not null;
create index attempts_target on attempts (target, created_at, call) where target is not null;
create index attempts_target_verdict on attempts (target, verdict, created_at, call)
  where target is not null and verdict is not null;
create index attempts_verdict on attempts (verdict, created_at, call) where verdict is not null;

-- The outbox holds what is still to send or in the air; a row goes when its outcome is stored, since
-- the outcome is an event of the call's timeline.
create table commands (
  key uuid primary key,
  command bigint generated always as identity,
  call bigint not null,
  code integer not null,
  -- 0 for hangup and reject, which go first.
  rank smallint not null,
  -- From when on it may be claimed: the next try, or the end of the lease where `owner` is set.
  ready_at bigint not null,
  owner text,
  first_sent_at bigint,
  tries integer not null,
  -- Taken back: never claimed again.
  cancelled boolean not null,
  created_at bigint not null,
  document text not null
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

create index commands_next on commands (rank, command) where not cancelled;

create table settings (name text primary key, version integer not null, value text not null);
insert into settings values ('overrides', 0, 'null'), ('reload', 0, 'null');

create table replicas (
  id text primary key,
  started_at bigint not null,
  seen_at bigint not null,
  route_set text,
  refusal text
);

create table dead_letters (
  letter bigint generated always as identity primary key,
  at bigint not null,
  event text not null,
  error text not null
);

-- One row a commit, for whoever watches. Ordered by transaction: those before the oldest one still
-- running are all known, so that a reader who follows never misses one that commits late.
create table changes (
  transaction xid8 not null default pg_current_xact_id(),
  at bigint not null,
  keys uuid[] not null,
  primary key (transaction)
);

-- One row that a ping writes, to prove that a write works.
create table pulse (at bigint not null);
insert into pulse values (0);
