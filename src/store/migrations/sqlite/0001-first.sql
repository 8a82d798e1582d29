-- oldest code: 1
--
-- Keys are the first 16 bytes of a SHA-256: a call_control_id passes 100 characters, and an index of
-- those would be five times the size. Everything that grows hangs on the integer `call`, so that what
-- a live call writes lies together at the end of each table however many ended ones lie before it.

create table calls (
  call integer primary key,
  key blob not null unique,
  version integer not null,
  -- Code that wrote the row: older code leaves it alone.
  code integer not null,
  -- Rows of `events`: the order of the next one.
  entries integer not null,
  created_at integer not null,
  ended_at integer,
  -- The earliest of the deadlines in the document.
  due_at integer,
  phase text not null,
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
  leg integer generated always as (parent is not null) virtual,
  document text not null
) strict;

create index calls_due on calls (due_at) where due_at is not null;
create index calls_ended on calls (ended_at) where ended_at is not null;
create index calls_created on calls (leg, created_at);
create index calls_phase on calls (phase, leg, created_at);
create index calls_ends on calls (ends, leg, created_at) where ends is not null;
create index calls_rule on calls (rule, created_at) where rule is not null;
create index calls_caller on calls (caller, leg, created_at) where caller is not null;
-- With `ends`, since what is asked of our own numbers is whom they did not reach.
create index calls_callee on calls (callee, leg, created_at, ends) where callee is not null;
create index calls_session on calls (session, created_at) where session is not null;
create index calls_parent on calls (parent, created_at) where parent is not null;

-- Append only: the dedupe and the timeline. `document` is null past the limit of one call's timeline.
create table events (
  call integer not null,
  key blob not null,
  entry integer not null,
  document text,
  primary key (call, key)
) strict, without rowid;

create table attempts (
  call integer not null,
  key blob not null,
  kind text not null,
  target text,
  verdict text,
  caller text,
  -- Of the call, for the order of lists.
  created_at integer not null,
  started_at integer not null,
  unsent integer not null,
  -- From accepted to the verdict, so that statistics need not open the documents.
  took_ms integer,
  primary key (call, key)
) strict, without rowid;

create index attempts_key on attempts (key);
create index attempts_started on attempts (kind, started_at) where unsent = 0;
create index attempts_caller on attempts (caller, kind, started_at) where unsent = 0 and caller is not null;
create index attempts_target on attempts (target, created_at, call) where target is not null;
create index attempts_target_verdict on attempts (target, verdict, created_at, call)
  where target is not null and verdict is not null;
create index attempts_verdict on attempts (verdict, created_at, call) where verdict is not null;

-- The outbox holds what is still to be sent or in flight; a row goes when its outcome is stored, since
-- the outcome is an event of the call's timeline.
create table commands (
  command integer primary key,
  key blob not null unique,
  call integer not null,
  code integer not null,
  -- 0 for hangup and reject, which go first.
  rank integer not null,
  -- From when on it may be claimed: the next try, or the end of the lease where `owner` is set.
  ready_at integer not null,
  owner text,
  first_sent_at integer,
  tries integer not null,
  -- Cancelled in flight: never claimed again.
  cancelled integer not null,
  created_at integer not null,
  -- Why it is tried again, as JSON: { status, detail } of the last try. Null before.
  answer text,
  document text not null
) strict;

create index commands_next on commands (rank, command, ready_at) where cancelled = 0;
create index commands_call on commands (call);

-- Verdicts and ends that may still be corrected, and when they are counted at the latest. Whoever takes
-- the row out counts it: once, whichever replica that is. `item`: an attempt's id, or the call's own.
create table uncounted (
  call integer not null,
  item text not null,
  due_at integer not null,
  primary key (call, item)
) strict, without rowid;

create index uncounted_due on uncounted (due_at);

-- What each ended call has added to `sums`, so that a change of it adds the difference.
create table folded (
  call integer primary key,
  -- The first characters of its call_control_id, to find it by.
  id_start text not null,
  sums text not null
) strict;

create index folded_id on folded (id_start);

-- Hourly sums, kept for longer than calls. An empty name is none (a rule: otherwise; a target: a literal
-- one), '-' where nobody was moved, and others follow '='. `table_rows` is JSON, [table, key] of each, empty
-- where no table decided; the key is null where it would be the caller's number. Rows with a verdict count
-- attempts, those with a currency sum costs, the others count calls.
create table sums (
  hour integer not null,
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
) strict, without rowid;

-- Everybody who called or was called, each once, and the pieces by which they are found.
create table parties (
  number integer primary key,
  party text not null unique,
  words text not null
) strict;

create table party_grams (
  gram text not null,
  party integer not null,
  primary key (gram, party)
) strict, without rowid;

create table settings (
  name text primary key,
  version integer not null,
  value text not null
) strict, without rowid;

create table replicas (
  id text primary key,
  started_at integer not null,
  seen_at integer not null,
  route_set text,
  refusal text,
  -- What the replica sees wrong, as JSON: the page shows it whichever replica it asks.
  troubles text
) strict, without rowid;

create table dead_letters (
  -- A number that was shown must not become that of another letter, which would be discarded unread.
  letter integer primary key autoincrement,
  at integer not null,
  event text not null,
  error text not null
) strict;

-- What people did. `target`: to what; `origin`: from which address; `detail` is JSON.
create table audit (
  entry integer primary key,
  at integer not null,
  who text not null,
  role text not null,
  what text not null,
  target text,
  reason text,
  origin text,
  result text not null,
  detail text not null
) strict;

create index audit_at on audit (at);

-- The route sets that were live, one row each. `until` is null while it is in use; `files` is JSON.
create table route_versions (
  hash text primary key,
  -- 'live', or 'next': some callers followed it while another set was live.
  role text not null,
  who text not null,
  at integer not null,
  until integer,
  commit_hash text,
  files text not null
) strict, without rowid;

create index route_versions_at on route_versions (at);

-- What their files hold, each content once, deflated and cut into parts. `at`: last written, so that
-- those of a version that is just being kept are not taken for forgotten ones.
create table route_files (
  file integer primary key,
  key text not null,
  part integer not null,
  at integer not null,
  content blob not null,
  unique (key, part)
) strict;

-- One row that a ping writes, to prove that a write works.
create table pulse (only integer primary key check (only = 1), at integer not null) strict;

-- Where the store's clock goes on at the next start; see sqlite/store-time.ts.
create table time_base (
  only integer primary key check (only = 1),
  at integer not null,
  since_boot real not null,
  boot text
) strict;
