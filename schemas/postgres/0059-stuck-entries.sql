-- When a normalizer found that it cannot bring the entry into Kafka: its key is missing, or Kafka does
-- not take it. It stays until somebody acts, so neither its age nor its place may hold up anybody.
alter table spool add column stuck_at timestamptz;
create index spool_going on spool (id) where stuck_at is null;
