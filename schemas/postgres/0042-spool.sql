-- What was to go into Kafka while it could not: written to the log, and deleted here, in the order
-- of `id` once Kafka is back. Empty in calm times.
create table spool (
  -- The order of arrival: of two entries of one workspace, the second gets its id after the first
  -- is committed, unless they came in the same moment.
  id bigserial primary key,
  workspace_id text not null,
  -- An event's identity, as in published_events, so that its repeats are recognized while it
  -- waits; null for a request that goes to the topic of rejected ones.
  event_id text,
  recording_status text,
  fingerprint bytea,
  spooled_at timestamptz not null default now(),
  -- When it was first handed to Kafka without an answer: it may be in the log, so the log is asked
  -- before it is written again.
  attempted_at timestamptz,
  size_bytes integer not null,
  -- Call content, so sealed with SECRETS_KEY: nobody reads a call out of the database.
  entry_sealed text not null
);

create index spool_of_workspace on spool (workspace_id);
create index spool_of_event on spool (event_id) where event_id is not null;

-- One row, changed with the table in one statement: counting the table itself would read all of it
-- for each insert.
create table spool_size (
  entries bigint not null,
  bytes bigint not null
);
insert into spool_size values (0, 0);
