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
  -- `otherwise` if the call was decided without a rule; null while nothing is decided.
  rule text,
  caller text,
  callee text,
  session text,
  -- The caller's call_control_id, of a transfer's B-leg: lists and statistics are of callers.
  parent text,
  -- What it cost, as JSON: an array of { target, currency, amount }.
  costs text,
  -- Rows of tables that decided, as JSON: an array of { table, key }.
  table_rows text,
  leg boolean generated always as (parent is not null) stored,
  -- What an account has few of: without an index they would be looked for among all calls.
  outgoing boolean not null default false
);

create index call_filters_created on call_filters (leg, created_at, call);
create index call_filters_live on call_filters (leg, created_at, call) where not over;
create index call_filters_outgoing on call_filters (leg, created_at, call) where outgoing;
create index call_filters_ended on call_filters (ended_at) where ended_at is not null;
create index call_filters_ends on call_filters (ends, leg, created_at, call) where ends is not null;
create index call_filters_rule on call_filters (rule, created_at, call) where rule is not null;
create index call_filters_caller on call_filters (caller, leg, created_at, call) where caller is not null;
-- With `ends`, since what is asked of our own numbers is whom they did not reach.
create index call_filters_callee on call_filters (callee, leg, created_at, call, ends)
  where callee is not null;
create index call_filters_session on call_filters (session, created_at, call) where session is not null;
create index call_filters_parent on call_filters (parent, created_at, call) where parent is not null;

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
  -- From accepted to the verdict, so that statistics need not open the documents.
  took_ms bigint,
  primary key (call, key)
);

create index attempts_key on attempts (key);
create index attempts_started on attempts (kind, started_at) where not unsent;
create index attempts_caller on attempts (caller, kind, started_at) where not unsent and caller is not null;
create index attempts_target on attempts (target, created_at, call) where target is not null;
create index attempts_target_verdict on attempts (target, verdict, created_at, call)
  where target is not null and verdict is not null;
create index attempts_verdict on attempts (verdict, created_at, call) where verdict is not null;

-- The outbox holds what is still to be sent or in flight; a row goes when its outcome is stored, since
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
  -- Why it is tried again, as JSON: { status, detail } of the last try. Null before.
  answer text,
  document text not null
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

create index commands_next on commands (rank, command) where not cancelled;

-- Verdicts and ends that may still be corrected, and when they are counted at the latest. Whoever takes
-- the row out counts it: once, whichever replica that is. `item`: an attempt's id, or the call's own.
create table uncounted (
  call bigint not null,
  item text not null,
  due_at bigint not null,
  primary key (call, item)
);

-- One for each kind, because each is taken by itself, and may have to wait while the other is many.
create index uncounted_due on uncounted (due_at) where item <> 'hourly sums';
create index uncounted_sums on uncounted (due_at) where item = 'hourly sums';

-- What each ended call has added to `sums`, so that a change of it adds the difference.
create table folded (
  call bigint primary key,
  -- The first characters of its call_control_id, to find it by.
  id_start text collate "C" not null,
  sums text not null
);

create index folded_id on folded (id_start);

-- Hourly sums, kept for longer than calls. An empty name is none (a rule: otherwise; a target: a literal
-- one), '-' where nobody was moved, and others follow '='. `table_rows` is JSON, [table, key] of each, empty
-- where no table decided; the key is null where it would be the caller's number. Rows with a verdict count
-- attempts, those with a currency sum costs, the others count calls.
create table sums (
  hour bigint not null,
  number text not null,
  rule text not null,
  table_rows text not null,
  target text not null,
  outcome text not null,
  verdict text not null,
  currency text not null,
  calls integer not null,
  attempts integer not null,
  moves integer not null,
  -- Decimal text.
  amount text not null,
  -- Times to the verdict, as JSON: counts by bucket; see core/history/latencies.ts.
  took text not null,
  primary key (hour, number, rule, table_rows, target, outcome, verdict, currency)
);

-- Everybody who called or was called, each once, and the pieces by which they are found.
create table parties (
  number bigint generated always as identity primary key,
  party text not null unique,
  words text not null
);

create table party_grams (
  gram text collate "C" not null,
  party bigint not null,
  primary key (gram, party)
);

create table settings (name text primary key, version integer not null, value text not null);
insert into settings values ('overrides', 0, 'null'), ('reload', 0, 'null'), ('rest', 0, 'null');

create table replicas (
  id text primary key,
  started_at bigint not null,
  seen_at bigint not null,
  route_set text,
  refusal text,
  -- What the replica sees wrong, as JSON: the page shows it whichever replica it asks.
  troubles text
);

create table dead_letters (
  letter bigint generated always as identity primary key,
  at bigint not null,
  event text not null,
  error text not null
);

-- What people did. `target`: to what; `origin`: from which address; `detail` is JSON.
create table audit (
  entry bigint generated always as identity primary key,
  at bigint not null,
  who text not null,
  role text not null,
  what text not null,
  target text,
  reason text,
  origin text,
  result text not null,
  detail text not null
);

create index audit_at on audit (at);

-- The route sets that were live, one row each. `until` is null while it is in use; `files` is JSON.
create table route_versions (
  hash text primary key,
  -- 'live', or 'next': some callers followed it while another set was live.
  role text not null,
  who text not null,
  at bigint not null,
  until bigint,
  commit_hash text,
  files text not null
);

create index route_versions_at on route_versions (at);

-- What their files hold, each content once, deflated and cut into parts. `at`: last written, so that
-- those of a version that is just being kept are not taken for forgotten ones.
create table route_files (
  key text not null,
  part integer not null,
  at bigint not null,
  content bytea not null,
  primary key (key, part)
);

alter table route_files alter column content set storage external;

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

-- The two statements of the hot path are functions: each connection of the server keeps their plans, which
-- no named statement could do behind a transaction pooler. Sent as statements, reading and planning them
-- took the server 1.3 ms a batch. Plans are made once, perhaps on empty tables, and must still be right
-- for full ones: hence the settings. A release that needs another shape adds the next number.

-- Attempts that seem to begin more than an hour from now (two from `given_since`) are from before the clock
-- was set back, and would count until that time.
-- No plan of it may read what all calls have: a caller's attempts are found through their own index, without
-- a limit and without a join, either of which made the planner prefer those of everybody.
create function referee_load_1(
  given_calls uuid[], given_attempts uuid[], given_sessions text[], session_calls_max integer,
  given_event_calls uuid[], given_event_keys uuid[],
  given_callers text[], given_since bigint, given_limit bigint
) returns table (part text, a bigint, b bigint, c bigint, t text)
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set jit = off
as $$
#variable_conflict use_column
begin
  return query
  with named as materialized (
    select x.n, (select i.call from attempts i where i.key = x.key limit 1) as call
    from unnest(given_attempts) with ordinality x(key, n)),
  found as materialized (
    select call, version, code, document from calls
    where key = any (array(
      select unnest(given_calls)
      union select (select f.key from call_filters f where f.call = named.call) from named
      union select f.key from unnest(given_sessions) s, lateral (
        select key from call_filters where session = s
        order by created_at desc limit session_calls_max) f))),
  who as materialized (
    select caller from (
      select unnest(given_callers) as caller
      union select (select f.caller from call_filters f where f.call = found.call) from found) anybody
    where caller is not null and given_limit is not null),
  kinds(n, kind) as (values (0, 'refer'), (1, 'transfer'))
  select 'clock', floor(extract(epoch from clock_timestamp()) * 1000)::bigint, null::bigint,
    null::bigint, null::text
  union all select 'setting', s.version, null, null, s.name from settings s
  union all select 'call', call, version, code, document from found
  union all select 'attempt', n, call, null, null from named
  -- Not a join: planned as one, it read all events of each call to find the key among them.
  union all select 'seen', x.n, null, null, null
    from unnest(given_event_calls, given_event_keys) with ordinality x(call, key, n)
    where (select true from events e
      where e.call = (select k.call from calls k where k.key = x.call) and e.key = x.key)
  -- 7,200,000 ms: from an hour ago, which is given, to an hour ahead. What seems to begin later is from
  -- before the clock was set back: it would count until that time.
  union all select 'budget', k.n, (
      select least(count(*), given_limit) from attempts i
      where not i.unsent and i.caller = who.caller
        and (i.kind, i.started_at) >= (k.kind, given_since)
        and (i.kind, i.started_at) <= (k.kind, given_since + 7200000)), null, who.caller
    from who, kinds k
  union all select 'budget', k.n, (
      select count(*) from (
        select from attempts i where not i.unsent and i.kind = k.kind and i.started_at >= given_since
          and i.started_at <= given_since + 7200000
        limit given_limit) bounded), null, null
    from kinds k where given_limit is not null;
end $$;

-- Order of locks, so that two replicas with the same calls in hand do not block each other: rows that
-- exist by key, then inserts by key (`updated` is counted before the first insert), then what hangs on
-- them. Everything is written from the rows that won. An insert of a call that the other is just updating
-- still may, which the lock timeout ends.
create function referee_commit_1(
  code_version integer, entries_max integer, lease_owner text, lease_ms bigint,
  given_keys uuid[], given_versions integer[], given_entries integer[], given_due bigint[],
  given_phases text[], given_documents text,
  given_event_changes integer[], given_event_keys uuid[], given_event_entries integer[],
  given_event_documents text,
  given_done_changes integer[], given_done_keys uuid[],
  given_command_changes integer[], given_command_keys uuid[], given_command_ranks smallint[],
  given_command_documents text,
  given_filters json, given_attempts json, given_retries json, given_cancels json,
  given_uncounted json, given_counted json
) returns table (won integer[], stored uuid[], counted text[], at bigint)
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off
set lock_timeout = '500ms'
as $$
#variable_conflict use_column
begin
  return query
  with change as materialized (
    select (x.nth - 1)::integer as n, x.*
    from unnest(given_keys, given_versions, given_entries, given_due, given_phases,
        string_to_array(given_documents, e'\x1f'))
      with ordinality x(key, version, entries, due_at, phase, document, nth)
    order by key),
  updated as (
    update calls k set version = k.version + 1, code = code_version,
      entries = k.entries + x.entries, due_at = x.due_at, phase = x.phase, document = x.document
    from change x
    where k.key = x.key and k.version = x.version and x.version > 0 and k.code <= code_version
    returning x.n, k.call, k.key, k.entries - x.entries as entry),
  inserted as (
    insert into calls (key, version, code, entries, due_at, phase, document)
    select key, 1, code_version, entries, due_at, phase, document from change
    where version = 0 and (select count(*) from updated) >= 0 order by key
    on conflict (key) do nothing returning call, key),
  winner as materialized (
    select n, call, key, entry from updated
    union all select x.n, i.call, i.key, 0 from inserted i join change x on x.key = i.key),
  clock as materialized (
    select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now
    from (select count(*) from winner) after_the_locks),
  told as (
    insert into changes (at, keys) select now, array(select key from winner) from clock
    where exists (select from winner)),
  filtered as (
    insert into call_filters (call, key, created_at, ended_at, over, ends, rule, caller, callee, session,
      parent, costs, table_rows, outgoing)
    select w.call, w.key, f.created_at, f.ended_at, f.over, f.ends, f.rule, f.caller, f.callee, f.session,
      f.parent, f.costs, f.table_rows, f.outgoing
    from json_to_recordset(given_filters) as f(n integer, created_at bigint, ended_at bigint,
        over boolean, ends text, rule text, caller text, callee text, session text, parent text, costs text,
        table_rows text, outgoing boolean)
      join winner w on w.n = f.n
    on conflict (call) do update set created_at = excluded.created_at, ended_at = excluded.ended_at,
      over = excluded.over, ends = excluded.ends, rule = excluded.rule, caller = excluded.caller,
      callee = excluded.callee, session = excluded.session, parent = excluded.parent,
      costs = excluded.costs, table_rows = excluded.table_rows, outgoing = excluded.outgoing),
  logged as (
    insert into events (call, key, entry, document)
    select w.call, e.key, w.entry + e.i, case when w.entry + e.i < entries_max then e.document end
    from unnest(given_event_changes, given_event_keys, given_event_entries,
        string_to_array(given_event_documents, e'\x1f')) e(n, key, i, document)
      join winner w on w.n = e.n),
  tried as (
    insert into attempts (call, key, kind, target, verdict, caller, created_at, started_at, unsent, took_ms)
    select w.call, i.key, i.kind, i.target, i.verdict, i.caller, i.created_at, i.started_at, i.unsent,
      i.took_ms
    from json_to_recordset(given_attempts) as i(n integer, key uuid, kind text, target text,
        verdict text, caller text, created_at bigint, started_at bigint, unsent boolean, took_ms bigint)
      join winner w on w.n = i.n
    on conflict (call, key) do update set kind = excluded.kind, target = excluded.target,
      verdict = excluded.verdict, caller = excluded.caller, started_at = excluded.started_at,
      unsent = excluded.unsent, took_ms = excluded.took_ms),
  waiting as (
    insert into uncounted (call, item, due_at)
    select w.call, u.item, u.due_at
    from json_to_recordset(given_uncounted) as u(n integer, item text, due_at bigint)
      join winner w on w.n = u.n
    on conflict (call, item) do nothing),
  taken as (
    delete from uncounted u using json_to_recordset(given_counted) as g(n integer, item text), winner w
    where w.n = g.n and u.call = w.call and u.item = g.item
    returning u.item),
  done as (
    delete from commands k using unnest(given_done_changes, given_done_keys) s(n, key), winner w
    where w.n = s.n and k.key = s.key),
  retried as (
    update commands k set ready_at = s.ready_at, owner = null, answer = s.answer,
      first_sent_at = case when s.unsent then null else k.first_sent_at end
    from json_to_recordset(given_retries) as s(n integer, key uuid, owner text, ready_at bigint,
        unsent boolean, answer text),
      winner w
    where w.n = s.n and k.key = s.key and k.owner = s.owner),
  cancelled as (
    update commands k set cancelled = true
    from json_to_recordset(given_cancels) as s(n integer, key uuid), winner w
    where w.n = s.n and k.key = s.key),
  issued as (
    insert into commands (key, call, code, rank, ready_at, owner, first_sent_at, tries, cancelled,
      created_at, document)
    select k.key, w.call, code_version, k.rank, now + coalesce(lease_ms, 0), lease_owner,
      case when lease_owner is not null then now end, case when lease_owner is not null then 1 else 0 end,
      false, now, k.document
    from unnest(given_command_changes, given_command_keys, given_command_ranks,
        string_to_array(given_command_documents, e'\x1f'))
      with ordinality k(n, key, rank, document, i) join winner w on w.n = k.n, clock
    order by k.i on conflict (key) do nothing returning key)
  select array(select n from winner), array(select key from issued), array(select item from taken),
    (select now from clock);
end $$;
