-- oldest code: 1
--
-- The same function as before, same arguments and same answers, but a caller's attempts are found through
-- their own index from the first call on. On a database that was minutes old, a load took 12 ms with 500
-- attempts in the hour, and more with each.

create or replace function referee_load_1(
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
  -- Compared as a row, which no index but attempts_caller can answer: with a condition for each column the
  -- planner took attempts_started until the first analyze, and read all attempts of the hour for each caller.
  union all select 'budget', k.n, (
      select count(*) from (
        select from attempts i where not i.unsent and i.caller is not null
          and (i.caller, i.kind, i.started_at) >= (who.caller, k.kind, given_since)
          and (i.caller, i.kind, i.started_at) <= (who.caller, k.kind, 9223372036854775807)
        limit given_limit) bounded), null, who.caller
    from who, kinds k
  union all select 'budget', k.n, (
      select count(*) from (
        select from attempts i where not i.unsent and i.kind = k.kind and i.started_at >= given_since
        limit given_limit) bounded), null, null
    from kinds k where given_totals and given_limit is not null;
end $$;
