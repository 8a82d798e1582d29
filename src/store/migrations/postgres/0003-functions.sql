-- oldest code: 1
--
-- The two statements of the hot path, as functions: their plans are kept by each connection of the
-- server, which no named statement could do behind a transaction pooler. Sent as statements, reading
-- and planning them took the server 1.3 ms a batch.
--
-- A release that needs another shape adds referee_commit_2 and leaves this one to the release before.
-- The settings hold during the call: plans are made once, perhaps on empty tables, and must still be
-- right for full ones.

create function referee_load_1(
  given_calls uuid[], given_attempts uuid[], given_sessions text[], session_calls_max integer,
  given_event_calls uuid[], given_event_keys uuid[],
  given_callers text[], given_since bigint, given_limit bigint, given_totals boolean
) returns table (part text, a bigint, b bigint, c bigint, t text)
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off
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
      union select f.key from named join call_filters f on f.call = named.call
      union select f.key from unnest(given_sessions) s, lateral (
        select key from call_filters where session = s
        order by created_at desc limit session_calls_max) f))),
  who as materialized (
    select unnest(given_callers) as caller where given_limit is not null
    union select f.caller from found join call_filters f on f.call = found.call
      where f.caller is not null and given_limit is not null),
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
  union all select 'budget', k.n, (
      select count(*) from (
        select from attempts i where not i.unsent and i.kind = k.kind and i.started_at >= given_since
          and i.caller = who.caller limit given_limit) bounded), null, who.caller
    from who, kinds k
  union all select 'budget', k.n, (
      select count(*) from (
        select from attempts i where not i.unsent and i.kind = k.kind and i.started_at >= given_since
        limit given_limit) bounded), null, null
    from kinds k where given_totals and given_limit is not null;
end $$;

-- Order of locks, so that two replicas with the same calls in hand cannot block each other: rows that
-- exist by key, then inserts by key (`updated` is counted before the first insert), then what hangs on
-- them. Everything is written from the rows that won.
create function referee_commit_1(
  code_version integer, entries_max integer, lease_owner text, lease_ms bigint,
  given_changes json, given_documents text[], given_filters json, given_events json,
  given_attempts json, given_done json, given_retries json, given_cancels json, given_commands json
) returns table (won integer[], stored uuid[], at bigint)
language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off
set lock_timeout = '500ms'
as $$
#variable_conflict use_column
begin
  return query
  with change as materialized (
    select x.*, d.document
    from json_to_recordset(given_changes) as x(n integer, key uuid, version integer, entries integer,
      due_at bigint, phase text)
    join unnest(given_documents) with ordinality d(document, n) on d.n = x.n + 1),
  locked as materialized (
    select k.key from calls k
    where k.key = any (array(select key from change where version > 0))
    order by k.key for update),
  updated as (
    update calls k set version = k.version + 1, code = code_version,
      entries = k.entries + x.entries, due_at = x.due_at, phase = x.phase, document = x.document
    from change x
    where k.key = x.key and k.version = x.version and x.version > 0 and k.code <= code_version
      and (select count(*) from locked) >= 0
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
    insert into call_filters (call, key, created_at, ended_at, over, ends, rule, caller, callee, session)
    select w.call, w.key, f.created_at, f.ended_at, f.over, f.ends, f.rule, f.caller, f.callee, f.session
    from json_to_recordset(given_filters) as f(n integer, created_at bigint, ended_at bigint,
        over boolean, ends text, rule text, caller text, callee text, session text)
      join winner w on w.n = f.n
    on conflict (call) do update set created_at = excluded.created_at, ended_at = excluded.ended_at,
      over = excluded.over, ends = excluded.ends, rule = excluded.rule, caller = excluded.caller,
      callee = excluded.callee, session = excluded.session),
  logged as (
    insert into events (call, key, entry, document)
    select w.call, e.key, w.entry + e.i, case when w.entry + e.i < entries_max then e.document end
    from json_to_recordset(given_events) as e(n integer, key uuid, i integer, document text)
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
  done as (
    delete from commands k using json_to_recordset(given_done) as s(n integer, key uuid), winner w
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
    from json_to_recordset(given_commands) as k(i integer, n integer, key uuid, rank smallint, document text)
      join winner w on w.n = k.n, clock
    order by k.i on conflict (key) do nothing returning key)
  select array(select n from winner), array(select key from issued), (select now from clock);
end $$;
