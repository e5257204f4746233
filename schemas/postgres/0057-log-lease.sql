-- Into which log the normalizers write what waits in these tables: held calls, the spool, late
-- recordings. While a log is replaced, those of the old and of the new one share the database. The
-- old ones go first, or a call would be in the new log before a call that came earlier.
create table log_lease (
  is_only boolean primary key default true check (is_only),
  events_topic text not null,
  leased_until timestamptz not null
);
