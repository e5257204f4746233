-- What a workspace has not got: while it was disconnected, or while its endpoint was suspended.
-- Log times; `to_at` null while the gap is open.
create table gaps (
  id bigint generated always as identity primary key,
  workspace_id text not null references workspaces (id) on delete cascade,
  from_at timestamptz not null,
  to_at timestamptz,
  reason text not null check (reason in ('disconnected', 'suspended')),
  backfilled_at timestamptz
);

-- One open gap per workspace; a second disconnect finds it and opens none.
create unique index gaps_open on gaps (workspace_id) where to_at is null;
create index gaps_by_workspace on gaps (workspace_id, from_at);

-- Ids and reasons; the event itself is in the dead-letter topic. No reference to workspaces: the row of a removed one must not hold up all others.
create table dead_letters (
  workspace_id text not null,
  event_id text not null,
  event text not null,
  reason text not null,
  error_class text,
  status smallint,
  attempts integer not null,
  first_failed_at timestamptz,
  dead_at timestamptz not null,
  resent_at timestamptz,
  primary key (workspace_id, event_id)
);

create table backfills (
  id text primary key,
  workspace_id text not null references workspaces (id) on delete cascade,
  since timestamptz not null,
  until timestamptz not null,
  mode text not null check (mode in ('gaps', 'all')),
  state text not null default 'queued'
    check (state in ('queued', 'running', 'done', 'cancelled', 'failed')),
  replayed integer not null default 0,
  position_at timestamptz,
  created_at timestamptz not null default now()
);

alter table connections
  -- A dead letter for which the endpoint is to blame is out, and nothing was delivered since: if
  -- the next attempt fails, too, the connection is suspended.
  add column on_probation boolean not null default false,
  add column retry_now_at timestamptz;
