-- Attempts by UTC day, so that old ones go by dropping a table instead of deleting millions of
-- rows. Nothing is copied: the table that was there becomes the first partition and takes
-- everything until tomorrow; the console makes the days after that ahead, and drops old ones.
alter table delivery_attempts rename to delivery_attempts_first;
alter index delivery_attempts_by_workspace rename to delivery_attempts_first_by_workspace;
-- A partition takes its ids from where all others do. Dropping the identity drops its sequence.
alter table delivery_attempts_first alter column id drop identity;
create sequence delivery_attempts_ids;

create table delivery_attempts (
  id bigint not null default nextval('delivery_attempts_ids'),
  workspace_id text not null,
  event_id text not null,
  event text not null,
  attempt integer not null,
  outcome text not null,
  error_class text,
  status smallint,
  duration_ms integer not null,
  at timestamptz not null,
  next_attempt_at timestamptz,
  replay boolean not null default false,
  -- Of the same name as in the first partition, or that would count as another one.
  constraint delivery_attempts_outcome_check
    check (outcome in ('delivered', 'retrying', 'dead_lettered', 'suspended'))
) partition by range (at);

alter sequence delivery_attempts_ids owned by delivery_attempts.id;

do $$
declare
  -- Rows of a clock that runs ahead must find their place in the first partition, too.
  newest timestamptz := greatest(now(), (select max(at) from delivery_attempts_first));
  bound timestamptz := date_trunc('day', newest, 'UTC') + interval '1 day';
begin
  perform setval('delivery_attempts_ids', coalesce(max(id), 0) + 1, false)
  from delivery_attempts_first;
  execute format(
    'alter table delivery_attempts attach partition delivery_attempts_first
     for values from (minvalue) to (%L)', bound);
end
$$;

-- The safety net: an attempt that no day was made for is written all the same. The dispatcher
-- commits nothing that it could not write down, so a missing partition would stop all deliveries.
create table delivery_attempts_default partition of delivery_attempts default;

-- The newest attempts of one workspace, and the statistics of its days: with what those count, so
-- that they are answered from the index alone. Without, each row of a workspace is a page of its
-- own among those of the others, and 70,000 of them take seconds.
create index delivery_attempts_newest
  on delivery_attempts (workspace_id, at desc, id desc)
  include (outcome, status, duration_ms, replay);
-- "Failed only". Deliveries, which are nearly all rows, cost nothing here.
create index delivery_attempts_failed
  on delivery_attempts (workspace_id, at desc, id desc) where outcome <> 'delivered';
-- All attempts of one event.
create index delivery_attempts_event on delivery_attempts (event_id);
-- What the first one does better.
drop index delivery_attempts_first_by_workspace;

-- What of a workspace was accepted since a time, for "how many wait".
create index published_events_of_workspace on published_events (workspace_id, published_at);
