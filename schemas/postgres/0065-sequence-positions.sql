-- How far each partition of a log has been read, and under which epoch its numbers went to customers.
-- The number is the offset, with the epoch in front: a log that was lost or restored begins at lower
-- offsets, and without an epoch customers would take new calls for repeats of old ones.
create table sequence_positions (
  events_topic text not null,
  partition integer not null,
  epoch integer not null check (epoch between 0 and 8191),
  next_offset bigint not null,
  primary key (events_topic, partition)
);
