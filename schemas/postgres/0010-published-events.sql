-- Events that are in the log already, so that a webhook which its provider repeats is recognized.
-- Ids and a hash only; the content of a call lives in Kafka. Rows are kept for 7 days.
create table published_events (
  event_id text primary key,
  workspace_id text not null,
  call_id text not null,
  provider text not null,
  provider_call_id text not null,
  -- A repeat that has a recording where this says none or pending tells more than we published.
  recording_status text not null,
  -- Hash of the facts, where a repeat with other facts must not pass for the same event.
  fingerprint bytea,
  published_at timestamptz not null default now()
);

-- First-party events name a call by its call_id.
create index published_events_call on published_events (call_id);
-- For the removal of old rows; it only grows at its right end.
create index published_events_age on published_events (published_at);
