-- Links that sign somebody in for one workspace, once. Only hashes are kept, here and below:
-- whoever reads these tables can sign in nowhere.
create table portal_links (
  token_hash bytea primary key check (octet_length(token_hash) = 32),
  workspace_id text not null references workspaces (id) on delete cascade,
  expires_at timestamptz not null,
  -- Kept after its use, so that a second click is told what has happened.
  used_at timestamptz
);

create index portal_links_age on portal_links (expires_at);
create index portal_links_of_workspace on portal_links (workspace_id);

-- Browsers that are signed in: each cookie opens one workspace.
create table sessions (
  token_hash bytea primary key check (octet_length(token_hash) = 32),
  workspace_id text not null references workspaces (id) on delete cascade,
  expires_at timestamptz not null
);

create index sessions_age on sessions (expires_at);
create index sessions_of_workspace on sessions (workspace_id);

-- What requests with an `Idempotency-Key` have answered, for 24 hours.
create table idempotency_keys (
  workspace_id text not null references workspaces (id) on delete cascade,
  -- Method and template of the path.
  route text not null,
  key text not null check (length(key) between 1 and 255),
  -- SHA-256 of path and body: the same key with another request is a mistake of the caller.
  request_hash bytea not null check (octet_length(request_hash) = 32),
  -- Tells the request that holds the key from one that took it over.
  claim_id uuid not null,
  claimed_at timestamptz not null default now(),
  -- Null while the request is under way.
  status smallint,
  -- Sealed: an answer may hold a token.
  answer_sealed text,
  primary key (workspace_id, route, key)
);

create index idempotency_keys_age on idempotency_keys (claimed_at);
