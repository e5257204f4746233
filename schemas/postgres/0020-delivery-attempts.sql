-- One row per HTTP attempt: what a customer sees in the delivery log. No call content.
create table delivery_attempts (
  id bigint generated always as identity,
  workspace_id text not null,
  event_id text not null,
  event text not null,
  attempt integer not null,
  outcome text not null check (outcome in ('delivered', 'retrying', 'dead_lettered', 'suspended')),
  error_class text,
  status smallint,
  duration_ms integer not null,
  at timestamptz not null,
  next_attempt_at timestamptz,
  replay boolean not null default false
);

-- The console asks for the newest attempts of one workspace. The only index: thousands of rows a
-- second are written here, and each further index would cost as much again.
create index delivery_attempts_by_workspace on delivery_attempts (workspace_id, at desc, id desc);
