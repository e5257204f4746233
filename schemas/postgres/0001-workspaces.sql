-- A customer of the platform. Its id is chosen by the platform and is the key of every Kafka
-- record, so it never changes.
create table workspaces (
  id text primary key check (id ~ '^[A-Za-z0-9_-]{1,64}$'),
  name text,
  -- IANA zone, for provider times without offset and for the days of statistics.
  timezone text not null,
  -- ISO 3166 alpha-2, for phone numbers without country code.
  default_country text not null check (default_country ~ '^[A-Z]{2}$'),
  created_at timestamptz not null default now()
);

-- API tokens of a workspace. Only the hash is kept: whoever reads this table can sign in nowhere.
create table access_tokens (
  token_hash bytea primary key check (octet_length(token_hash) = 32),
  workspace_id text not null references workspaces (id) on delete cascade,
  label text,
  created_at timestamptz not null default now()
);

create index access_tokens_of_workspace on access_tokens (workspace_id);
