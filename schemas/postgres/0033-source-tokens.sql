-- After a rotation the token before opens the source as well, until the time below.
alter table sources
  add column previous_token_hash bytea check (octet_length(previous_token_hash) = 32),
  add column previous_token_until timestamptz;

create unique index sources_previous_token on sources (previous_token_hash)
  where previous_token_hash is not null;

-- When a source's webhooks came. A table of its own: an update of `sources` tells every normalizer
-- to read the source again.
create table source_activity (
  source_id text primary key references sources (id) on delete cascade,
  first_event_at timestamptz not null,
  last_event_at timestamptz not null
);
