-- Where a workspace's calls come from: one webhook URL at one provider.
create table sources (
  id text primary key,
  workspace_id text not null references workspaces (id) on delete cascade,
  provider text not null
    check (provider in ('ringostat', 'phonet', 'binotel', 'stream-telecom', 'unitalk')),
  label text,
  -- JSON, sealed as a whole: it holds the passwords that the provider sends to us.
  settings_sealed text not null,
  -- SHA-256 of the token in the webhook URL.
  token_hash bytea not null unique check (octet_length(token_hash) = 32),
  created_at timestamptz not null default now()
);

create index sources_of_workspace on sources (workspace_id, created_at);

-- The normalizer caches sources by token; it forgets the one that is named here.
create function notify_sources_changed() returns trigger language plpgsql as $$
begin
  perform pg_notify('sources_changed', coalesce(new.id, old.id));
  return null;
end
$$;

create trigger sources_changed
  after insert or update or delete on sources
  for each row execute function notify_sources_changed();

-- A cached source carries the zone and the country of its workspace.
create function notify_sources_of_workspace_changed() returns trigger language plpgsql as $$
begin
  perform pg_notify('sources_changed', id) from sources where workspace_id = new.id;
  return null;
end
$$;

create trigger sources_of_workspace_changed
  after update on workspaces
  for each row
  when (old.timezone is distinct from new.timezone
    or old.default_country is distinct from new.default_country)
  execute function notify_sources_of_workspace_changed();
