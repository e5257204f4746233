-- Where a workspace's events go: at most one endpoint. The row stays when the customer
-- disconnects, so that `version` never starts again.
create table connections (
  workspace_id text primary key references workspaces (id) on delete cascade,
  state text not null check (state in ('connected', 'failing', 'suspended', 'disconnected')),
  url text,
  password_sealed text,
  password_scheme text not null default 'bearer'
    check (password_scheme in ('bearer', 'basic', 'header')),
  -- Only for the scheme `header`.
  password_header text,
  mask_numbers boolean not null default false,
  signing_secret_sealed text,
  -- During a rotation both secrets sign, until the time below.
  previous_secret_sealed text,
  previous_secret_until timestamptz,
  -- Grows with each change that the dispatcher has to know, and with no other.
  version bigint not null default 1,
  -- Only events from here on are delivered.
  connected_at timestamptz,
  disconnected_at timestamptz,
  last_delivered_at timestamptz,
  last_error_class text,
  last_error_status integer,
  last_error_at timestamptz,
  -- The event that the workspace waits for, while it fails.
  retry_event_id text,
  retry_attempt integer,
  retry_next_at timestamptz,
  constraint connected_has_a_target
    check (state = 'disconnected' or (url is not null and signing_secret_sealed is not null)),
  constraint header_has_a_name check (password_scheme <> 'header' or password_header is not null)
);

-- The dispatcher's cache reads the named connection again. Health (`last_…`, `retry_…`) does not
-- count: it changes with every delivery, and each notification goes to every dispatcher.
create function notify_connections_changed() returns trigger language plpgsql as $$
begin
  perform pg_notify('connections_changed', coalesce(new.workspace_id, old.workspace_id));
  return null;
end
$$;

create trigger connection_added_or_removed
  after insert or delete on connections
  for each row execute function notify_connections_changed();

create trigger connection_changed
  after update on connections
  for each row when (old.version is distinct from new.version)
  execute function notify_connections_changed();
