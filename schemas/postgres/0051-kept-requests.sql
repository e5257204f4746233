-- How far each partition of the topic of rejected requests has been read for those that came while
-- Postgres was away and are brought in by themselves. All that lies before is done.
create table kept_request_positions (
  partition integer primary key,
  next_offset bigint not null
);
