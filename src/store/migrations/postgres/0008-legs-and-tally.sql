-- oldest code: 1
--
-- A transfer's B-leg is a leg of its caller: lists and statistics are of callers, and where a call came in
-- decides nothing about how many legs they have to walk over. `parent` is the caller's call_control_id.

alter table call_filters add column parent text;
alter table call_filters add column leg boolean generated always as (parent is not null) stored;
update call_filters f set parent = c.document::json->>'parentId' from calls c
where c.key = f.key and c.document like '%"parentId"%';

create index call_filters_parent on call_filters (parent, created_at, call) where parent is not null;
drop index call_filters_created;
drop index call_filters_live;
drop index call_filters_ends;
drop index call_filters_caller;
drop index call_filters_callee;
create index call_filters_created on call_filters (leg, created_at, call);
create index call_filters_live on call_filters (leg, created_at, call) where not over;
create index call_filters_ends on call_filters (ends, leg, created_at, call) where ends is not null;
create index call_filters_caller on call_filters (caller, leg, created_at, call) where caller is not null;
create index call_filters_callee on call_filters (callee, leg, created_at, call) where callee is not null;

-- Verdicts and ends that may still be corrected, and when they are counted at the latest. Whoever takes
-- the row out counts it: once, whichever replica that is. `item`: an attempt's id, or the call's own.
create table uncounted (
  call bigint not null,
  item text not null,
  due_at bigint not null,
  primary key (call, item)
);

create index uncounted_due on uncounted (due_at);

-- The same function with two arguments more; the one without them stays for the release before.
--
-- Order of locks, so that two replicas with the same calls in hand do not block each other: rows that
-- exist by key, then inserts by key (`updated` is counted before the first insert), then what hangs on
-- them. Everything is written from the rows that won. An insert of a call that the other is just updating
-- still may, which the lock timeout ends.
create function referee_commit_2(
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
      parent)
    select w.call, w.key, f.created_at, f.ended_at, f.over, f.ends, f.rule, f.caller, f.callee, f.session,
      f.parent
    from json_to_recordset(given_filters) as f(n integer, created_at bigint, ended_at bigint,
        over boolean, ends text, rule text, caller text, callee text, session text, parent text)
      join winner w on w.n = f.n
    on conflict (call) do update set created_at = excluded.created_at, ended_at = excluded.ended_at,
      over = excluded.over, ends = excluded.ends, rule = excluded.rule, caller = excluded.caller,
      callee = excluded.callee, session = excluded.session, parent = excluded.parent),
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
    update commands k set ready_at = s.ready_at, owner = null,
      first_sent_at = case when s.unsent then null else k.first_sent_at end
    from json_to_recordset(given_retries) as s(n integer, key uuid, ready_at bigint, unsent boolean),
      winner w
    where w.n = s.n and k.key = s.key),
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
