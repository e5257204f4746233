-- Calls that a provider tells in parts (Stream Telecom: one webhook per rung line), held until the
-- session is closed or silent for its window. Kept 7 days longer, for legs that come late.
create table held_sessions (
  source_id text not null,
  session_id text not null,
  workspace_id text not null,
  provider text not null,
  -- What the merge needs of the source, so that a source deleted meanwhile loses no call.
  settings_sealed text not null,
  timezone text not null,
  default_country text not null,
  -- The provider said that nothing more is expected.
  closed boolean not null,
  -- When to publish what the legs make; null when nothing new has come since the last time.
  due_at timestamptz,
  -- Grows with each leg: tells a leg that came while the session was being published.
  version bigint not null default 1,
  -- Until then one replica publishes this session and others leave it alone.
  leased_until timestamptz,
  -- Number of events published for this session, and the hash of the last one's facts.
  revision integer not null default 0,
  fingerprint bytea,
  published_at timestamptz,
  primary key (source_id, session_id)
);

create index held_sessions_due on held_sessions (due_at) where due_at is not null;
create index held_sessions_age on held_sessions (published_at) where due_at is null;

create table held_legs (
  source_id text not null,
  session_id text not null,
  leg_id text not null,
  -- Call content, so sealed with SECRETS_KEY: nobody reads a call out of the database.
  leg_sealed text not null,
  received_at timestamptz not null default now(),
  primary key (source_id, session_id, leg_id),
  foreign key (source_id, session_id) references held_sessions on delete cascade
);
