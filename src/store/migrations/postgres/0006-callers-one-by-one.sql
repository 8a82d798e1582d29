-- oldest code: 1
--
-- The same function as before, same arguments and same answers, but no plan of it reads what all calls have. Plans
-- are kept, and the old ones did, in milliseconds a load and more with each call:
--
-- * made while the tables were empty, the callers of the calls that were found came from a join with all callers;
-- * made after an analyze without a vacuum, a caller's attempts were looked for among those of everybody. A limit
--   made the planner hope to find enough of them early, and a comparison of rows that begins with the caller to
--   find a ninth of all. A caller's attempts need no limit: his budget bounds them.

create or replace function referee_load_1(
  given_calls uuid[], given_attempts uuid[], given_sessions text[], session_calls_max integer,
  given_event_calls uuid[], given_event_keys uuid[],
  given_callers text[], given_since bigint, given_limit bigint, given_totals boolean
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
  union all select 'budget', k.n, (
      select least(count(*), given_limit) from attempts i
      where not i.unsent and i.caller = who.caller
        and (i.kind, i.started_at) >= (k.kind, given_since)
        and (i.kind, i.started_at) <= (k.kind, 9223372036854775807)), null, who.caller
    from who, kinds k
  union all select 'budget', k.n, (
      select count(*) from (
        select from attempts i where not i.unsent and i.kind = k.kind and i.started_at >= given_since
        limit given_limit) bounded), null, null
    from kinds k where given_totals and given_limit is not null;
end $$;
