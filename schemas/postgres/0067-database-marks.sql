-- A mark a minute. Services remember the newest one, and Kafka keeps it: a copy of this database that is
-- restored lacks the marks that were made after it was taken.
create table database_marks (
  id uuid primary key,
  made_at timestamptz not null default now(),
  -- By a person, after a restore: marks of before this time may be missing.
  accepts_before timestamptz
);
create index database_marks_age on database_marks (made_at);

-- Calls of this time may or may not have been delivered: what says so was in a copy that is gone.
alter table gaps
  drop constraint gaps_reason_check,
  add constraint gaps_reason_check
    check (reason in ('disconnected', 'suspended', 'deleted', 'restored')) not valid;
